// What runs wait for a person to say; the header shows how many.
import { asApiError, type ApiError } from '../api/client';
import * as api from '../api/runs';
import type { Approval } from '../api/runs';

class Approvals {
  list = $state.raw<Approval[]>([]);
  known = $state(false);
  problem = $state.raw<ApiError | null>(null);

  async refresh() {
    try {
      this.list = await api.approvals();
      this.known = true;
      this.problem = null;
    } catch (error) {
      this.problem = asApiError(error);
    }
  }

  async answer(approval: Approval, value: unknown) {
    await api.answer(approval, value);
    this.list = this.list.filter((one) => one.run !== approval.run || one.interrupt !== approval.interrupt);
    void this.refresh();
  }
}

export const approvals = new Approvals();
