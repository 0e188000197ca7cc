// What somebody who is in already types once more, and what is sent of it.
import type { Proof } from '../api/factors';
import { beginPasskeySignIn } from '../api/factors';
import { signWithPasskey } from './passkeys';

export class Confirmation {
  password = $state('');
  code = $state('');
  // Instead of both.
  isByPasskey = $state(false);

  clear() {
    this.password = this.code = '';
    this.isByPasskey = false;
  }

  async proof(): Promise<Proof> {
    if (this.isByPasskey) {
      const { id, options } = await beginPasskeySignIn();
      return { passkey: { id, credential: await signWithPasskey(options) } };
    }
    const code = this.code.trim();
    return { password: this.password, ...(code ? { code } : {}) };
  }
}
