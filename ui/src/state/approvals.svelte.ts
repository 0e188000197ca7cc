// What runs wait for a person to say; the header shows how many.
import { asApiError, type ApiError } from '../api/client';
import * as api from '../api/runs';
import type { Approval } from '../api/runs';

class Approvals {
  list = $state.raw<Approval[]>([]);
  // Whether the server holds more than are listed.
  more = $state(false);
  known = $state(false);
  problem = $state.raw<ApiError | null>(null);

  async refresh() {
    try {
      const page = await api.approvals();
      this.list = page.approvals;
      this.more = page.next !== undefined;
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
