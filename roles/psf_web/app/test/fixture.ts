// A configuration for tests: plain text on loopback.
import type { Config } from '../src/config';

export const configuration = (change: Partial<Config> = {}): Config => ({
  host: 'app-eu-1', region: 'eu', environment: 'test', listen: '127.0.0.1', ports: { web: 28443, grpc: 28444, admin: 28445 },
  tls: null, peers: [], peer_timeout: 500, otlp: '127.0.0.1:4317', trace_ratio: 1, log_level: 'error', cache_seconds: 60,
  cache_entries: 100, pages: ['/', '/cart'], faults: true, ...change });
