// Hooks into node's http and grpc-js. Must be loaded before either is: the first import of every entry point.
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';

const HOUSEKEEPING = ['/metrics', '/health/live', '/health/ready'];

/** Requests of machines about this process itself; traces of them would only be noise. */
export const isHousekeeping = (url: string | undefined): boolean => HOUSEKEEPING.includes((url ?? '').split('?')[0] ?? '');

registerInstrumentations({
  instrumentations: [
    new HttpInstrumentation({
      // The switch of the faults has a port of its own and is no part of the service.
      ignoreIncomingRequestHook: (request) => isHousekeeping(request.url) || request.url === '/faults',
      disableOutgoingRequestInstrumentation: true,
    }),
    new GrpcInstrumentation(),
  ],
});
