// Traces: sampled at the edge, sent by OTLP to the agent on the same host.
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor, NodeTracerProvider, ParentBasedSampler, TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import { clientCredentials } from './certificates';
import type { Config } from './config';

export const SERVICE = 'psf_web';

/** Start to export spans. Host and region are added by the agent, for every service alike. */
export function startTracing(config: Config, version: string): NodeTracerProvider {
  const channel: ChannelCredentials = config.tls ? clientCredentials(config.tls) : credentials.createInsecure();
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': SERVICE,
      'service.version': version,
      'service.namespace': 'psf',
      'service.instance.id': config.host,
      'deployment.environment.name': config.environment,
      system: SERVICE,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.trace_ratio) }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({
      url: `${config.tls ? 'https' : 'http'}://${config.otlp}`, credentials: channel, timeoutMillis: 5000 }),
    { maxQueueSize: 2048, scheduledDelayMillis: 1000 })],
  });
  provider.register();
  return provider;
}
