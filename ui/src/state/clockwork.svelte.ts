// The time as the server has it, second by second, for clocks that count down and ages that grow.
// It ticks only while the room is open.

class Clockwork {
  now = $state(Date.now());
  // The server's clock minus this machine's, in milliseconds.
  #ahead = 0;

  // `date` is the header of an answer; its whole seconds are near enough.
  heard(date: string | null) {
    const at = date ? Date.parse(date) : Number.NaN;
    if (Number.isNaN(at)) return;
    const ahead = at - Date.now();
    // Within two seconds it is the way of the answer, not the clock.
    this.#ahead = Math.abs(ahead) < 2000 ? 0 : ahead;
  }

  start(): () => void {
    const tick = () => (this.now = Date.now() + this.#ahead);
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }
}

export const clockwork = new Clockwork();
