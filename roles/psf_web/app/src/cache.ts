// A small cache in the process: entries live for a time, the oldest leaves when it is full.
import { cacheEntries, cacheEvictions, cacheRequests } from './metrics';

export class Cache<T> {
  private readonly entries = new Map<string, { value: T; until: number }>();

  constructor(private readonly milliseconds: number, private readonly most: number, private readonly now: () => number = Date.now) {}

  get(key: string): T | undefined {
    const found = this.entries.get(key);
    const fresh = found !== undefined && found.until > this.now();
    if (found && !fresh) this.entries.delete(key);
    cacheRequests.inc({ result: fresh ? 'hit' : 'miss' });
    cacheEntries.set(this.entries.size);
    return fresh ? found.value : undefined;
  }

  set(key: string, value: T): void {
    this.entries.delete(key);
    this.entries.set(key, { value, until: this.now() + this.milliseconds });
    while (this.entries.size > this.most) {
      this.entries.delete(this.entries.keys().next().value as string);
      cacheEvictions.inc();
    }
    cacheEntries.set(this.entries.size);
  }
}
