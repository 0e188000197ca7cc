// One line of how something ended.
export interface Outcome {
  text: string;
  isBad: boolean;
}

export const good = (text: string): Outcome => ({ text, isBad: false });
export const bad = (text: string): Outcome => ({ text, isBad: true });
