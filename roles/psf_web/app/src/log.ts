// Logs: one JSON object a line on standard output, each with the trace that it belongs to.
import { isSpanContextValid, trace } from '@opentelemetry/api';
import type { LoggerService } from '@nestjs/common';
import pino from 'pino';

// systemd takes "<priority>" off the line again and keeps it as the entry's own, so `journalctl -p err` and the
// severity in Loki are right.
const PRIORITY: Record<string, number> = { debug: 7, info: 6, warn: 4, error: 3, fatal: 2 };

/** The ids of the active trace as the fields that Loki and Jaeger are joined by; empty outside of one. */
export function traceFields(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}

/** `write` gets whole lines; `priorities` puts systemd's prefix before each. */
export function makeLogger(level: string, priorities: boolean, write: (line: string) => void): pino.Logger {
  const sink = {
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write(line: string): void {
      write(priorities ? `<${PRIORITY[pino.levels.labels[this.lastLevel] ?? 'info'] ?? 6}>${line}` : line);
    },
  };
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    mixin: traceFields,
  }, sink);
}

export const log = makeLogger('info', process.env['JOURNAL_STREAM'] !== undefined, (line) => process.stdout.write(line));

/** What NestJS itself has to say, in the same form; its list of routes at each start is for debugging. */
export class NestLog implements LoggerService {
  log(message: unknown, context?: string): void {
    log.debug({ context }, String(message));
  }

  error(message: unknown, stack?: string, context?: string): void {
    const error = message instanceof Error ? message : undefined;
    log.error({ context, stack: error?.stack ?? stack }, error?.message ?? String(message));
  }

  warn(message: unknown, context?: string): void {
    log.warn({ context }, String(message));
  }

  debug(message: unknown, context?: string): void {
    log.debug({ context }, String(message));
  }
}
