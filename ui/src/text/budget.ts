// How an objective stands, in words.
import type { Objective } from '../api/operations';

export function budgetWords({ budget_left, burn }: Objective): string {
  if (budget_left === null) return 'nothing measured yet';
  const left = budget_left < 0 ? `overdrawn by ${Math.round(-budget_left * 100)} %` : `${Math.round(budget_left * 100)} % of the budget left`;
  return burn !== null && burn > 1 ? `${left}, burns ${burn < 10 ? burn.toFixed(1) : Math.round(burn)} times too fast` : left;
}

// A share near 1 with the digits that matter: 99.95 %.
export function exact(share: number): string {
  return `${Number((share * 100).toFixed(share > 0.99 ? 3 : 1))} %`;
}
