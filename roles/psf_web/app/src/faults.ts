// Faults for drills: each is bounded in size and time and ends by itself. Only where the configuration allows them.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FAULTS, faultActive, type Fault } from './metrics';

export const MAX_SECONDS = 900;
export const MAX_DELAY_MS = 5000;
export const MAX_LEAK_MB = 256;

export class FaultError extends Error {}

/** What is asked for: slow (route, milliseconds), errors (ratio, route), leak (megabytes); each with seconds. */
export interface FaultRequest {
  fault: Fault;
  seconds: number;
  milliseconds?: number;
  ratio?: number;
  megabytes?: number;
  /** An HTTP route such as /products/:id, or a gRPC method such as catalog.Catalog/GetProduct; all, where it is left out. */
  route?: string;
}

interface Running extends FaultRequest {
  ends: number;
  timer: NodeJS.Timeout;
}

export class Faults {
  private readonly running = new Map<Fault, Running>();

  private hoard: string[][] = [];

  constructor(private readonly random: () => number = Math.random) {}

  start(wanted: unknown): void {
    const request = check(wanted);
    this.stop(request.fault);
    const timer = setTimeout(() => this.stop(request.fault), request.seconds * 1000);
    timer.unref();
    this.running.set(request.fault, { ...request, ends: Date.now() + request.seconds * 1000, timer });
    faultActive.set({ fault: request.fault }, 1);
    if (request.fault === 'leak') this.leak(request);
  }

  stop(fault: Fault): void {
    const found = this.running.get(fault);
    if (!found) return;
    clearTimeout(found.timer);
    this.running.delete(fault);
    faultActive.set({ fault }, 0);
    if (fault === 'leak') {
      this.hoard = [];
      collectGarbage();
    }
  }

  stopAll(): void {
    for (const fault of FAULTS) this.stop(fault);
  }

  /** What is switched on, with the seconds that are left. */
  list(): Array<FaultRequest & { left: number }> {
    return [...this.running.values()].map(({ timer: _timer, ends, ...request }) => (
      { ...request, left: Math.max(0, Math.round((ends - Date.now()) / 1000)) }));
  }

  /** Milliseconds to wait before a route is answered. */
  delay(route: string): number {
    const slow = this.running.get('slow');
    return slow && (slow.route ?? route) === route ? (slow.milliseconds ?? 0) : 0;
  }

  /** Whether this answer of a route is to be an error. */
  fails(route: string): boolean {
    const errors = this.running.get('errors');
    return errors !== undefined && (errors.route ?? route) === route && this.random() < (errors.ratio ?? 0);
  }

  /** Grow step by step over the first half of the time, as a leak does, on the JavaScript heap. */
  private leak(request: FaultRequest): void {
    const size = request.megabytes ?? 0;
    const every = (request.seconds * 500) / size;
    const grow = (): void => {
      if (!this.running.has('leak') || this.hoard.length >= size) return;
      // 128 Ki references of 8 bytes: one megabyte of heap.
      this.hoard.push(new Array<string>(128 * 1024).fill('leaked'));
      setTimeout(grow, every).unref();
    };
    grow();
  }
}

/** Left to itself, a quiet process keeps what it no longer needs for many minutes, and a drill would not end when it ends. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function check(wanted: unknown): FaultRequest {
  const data = (wanted ?? {}) as Record<string, unknown>;
  const fault = data['fault'];
  if (!(FAULTS as readonly unknown[]).includes(fault)) {
    throw new FaultError(`fault is ${JSON.stringify(fault)}, it must be one of ${FAULTS.join(', ')}`);
  }
  const number = (key: string, most: number): number => {
    const value = data[key];
    if (typeof value !== 'number' || !(value > 0) || value > most) {
      throw new FaultError(`${key} is ${JSON.stringify(value)}, it must be above 0 and at most ${most}`);
    }
    return value;
  };
  const route = data['route'];
  if (route !== undefined && typeof route !== 'string') throw new FaultError('route must be a string, such as /products/:id');
  const request: FaultRequest = { fault: fault as Fault, seconds: number('seconds', MAX_SECONDS), ...(route ? { route } : {}) };
  if (fault === 'slow') request.milliseconds = number('milliseconds', MAX_DELAY_MS);
  if (fault === 'errors') request.ratio = number('ratio', 1);
  if (fault === 'leak') request.megabytes = number('megabytes', MAX_LEAK_MB);
  return request;
}
