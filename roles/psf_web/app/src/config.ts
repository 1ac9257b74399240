// The configuration file of the service: one JSON document, written by the role, read once at start.
import { readFileSync } from 'node:fs';

export interface Tls {
  ca: string;
  cert: string;
  key: string;
}

/** How the catalogue of another region is reached; other keys are left alone. */
export interface Peer {
  region: string;
  /** host:port */
  target: string;
}

export interface Config {
  host: string;
  region: string;
  environment: string;
  listen: string;
  ports: { web: number; grpc: number; admin: number };
  /** Files of the host's certificate; null means plain text. */
  tls: Tls | null;
  peers: Peer[];
  /** Milliseconds that another region may take to answer. */
  peer_timeout: number;
  /** Where spans go, as host:port of an OTLP gRPC receiver. */
  otlp: string;
  /** Share of new traces that are kept, 0 to 1. */
  trace_ratio: number;
  log_level: string;
  /** Seconds that a product stays in the cache, and how many fit. */
  cache_seconds: number;
  cache_entries: number;
  /** Pages that web vitals may name; any other counts as "other". */
  pages: string[];
  /** Whether the admin port takes faults for drills. */
  faults: boolean;
}

export class ConfigError extends Error {}

const TYPES: Record<keyof Config, string> = {
  host: 'string', region: 'string', environment: 'string', listen: 'string', ports: 'object', tls: 'object', peers: 'object',
  peer_timeout: 'number', otlp: 'string', trace_ratio: 'number', log_level: 'string', cache_seconds: 'number',
  cache_entries: 'number', pages: 'object', faults: 'boolean',
};
const LEVELS = ['debug', 'info', 'warn', 'error'];

/** The checked configuration; `name` is the file that an error names. */
export function parse(text: string, name: string): Config {
  let data: Record<string, unknown>;
  try {
    data = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`${name}: not JSON: ${String(error)}`);
  }
  for (const [key, type] of Object.entries(TYPES)) {
    if (!(key in data) || typeof data[key] !== type) {
      throw new ConfigError(`${name}: ${key} is ${JSON.stringify(data[key])}, it must be of type ${type}`);
    }
  }
  const unknown = Object.keys(data).filter((key) => !(key in TYPES));
  if (unknown.length > 0) {
    throw new ConfigError(`${name}: unknown key ${unknown.join(', ')}; known are ${Object.keys(TYPES).join(', ')}`);
  }
  const config = data as unknown as Config;
  if (config.trace_ratio < 0 || config.trace_ratio > 1) {
    throw new ConfigError(`${name}: trace_ratio is ${config.trace_ratio}, it must be from 0 to 1`);
  }
  if (!LEVELS.includes(config.log_level)) {
    throw new ConfigError(`${name}: log_level is ${JSON.stringify(config.log_level)}, it must be one of ${LEVELS.join(', ')}`);
  }
  for (const port of [config.ports.web, config.ports.grpc, config.ports.admin]) {
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new ConfigError(`${name}: ports has ${JSON.stringify(port)}, each of web, grpc and admin must be from 1 to 65535`);
    }
  }
  return config;
}

export const load = (name: string): Config => parse(readFileSync(name, 'utf8'), name);
