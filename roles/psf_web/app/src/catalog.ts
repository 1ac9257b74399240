// The catalogue as a gRPC service, and as its client in the other regions, with the own region as the way out.
import { join } from 'node:path';
import {
  type CallHandler, type ExecutionContext, Controller, Inject, Injectable, type NestInterceptor, type OnModuleDestroy,
  UseInterceptors,
} from '@nestjs/common';
import {
  type ClientGrpcProxy, ClientProxyFactory, GrpcMethod, type GrpcOptions, RpcException, Transport,
} from '@nestjs/microservices';
import { type ChannelCredentials, Metadata, type ServerCredentials, status } from '@grpc/grpc-js';
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { firstValueFrom, type Observable, tap } from 'rxjs';
import { clientCredentials } from './certificates';
import type { Config, Peer } from './config';
import { Faults } from './faults';
import { log } from './log';
import {
  currentSpan, type Fallback, fallbacks, observe, rpcClientActive, rpcClientDuration, rpcServerActive, rpcServerDuration,
} from './metrics';
import { find, type Product } from './products';
import { CONFIG } from './tokens';
import { pause } from './waits';

const SERVICE = 'catalog.Catalog';
const METHOD = 'GetProduct';
const LABELS = { rpc_service: SERVICE, rpc_method: METHOD };
/** A region that failed is left alone for this long. */
const REST_MS = 5000;

const keepalive = { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 2000, 'grpc.keepalive_permit_without_calls': 1 };

export const grpcOptions = (url: string, credentials: ChannelCredentials | ServerCredentials): GrpcOptions => ({
  transport: Transport.GRPC,
  options: {
    package: 'catalog', protoPath: join(__dirname, '..', '..', 'proto', 'catalog.proto'), url,
    credentials: credentials as ServerCredentials, loader: { keepCase: true, defaults: true }, channelOptions: keepalive },
});

const codeOf = (error: unknown): number => {
  const cause = error instanceof RpcException ? error.getError() : error;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' ? code : status.UNKNOWN;
};

/** Duration and status of every call that this service answers. */
@Injectable()
export class ObserveCalls implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const started = process.hrtime.bigint();
    const span = currentSpan();
    const labels = { rpc_service: SERVICE, rpc_method: context.getHandler().name.replace(/^./, (letter) => letter.toUpperCase()) };
    rpcServerActive.inc(labels);
    const done = (code: number): void => {
      rpcServerActive.dec(labels);
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      observe(rpcServerDuration, { ...labels, rpc_grpc_status_code: String(code) }, seconds, span);
      log.debug({ method: labels.rpc_method, route: `${SERVICE}/${labels.rpc_method}`, status: code, duration_ms: seconds * 1000 }, 'call');
    };
    return next.handle().pipe(tap({ complete: () => done(status.OK), error: (error: unknown) => done(codeOf(error)) }));
  }
}

@Controller()
@UseInterceptors(ObserveCalls)
export class CatalogController {
  constructor(@Inject(CONFIG) private readonly config: Config, private readonly faults: Faults) {}

  @GrpcMethod('Catalog', METHOD)
  async getProduct(request: { id: string }): Promise<Product> {
    const route = `${SERVICE}/${METHOD}`;
    await pause(this.faults.delay(route));
    if (this.faults.fails(route)) throw new RpcException({ code: status.INTERNAL, message: 'a drill asked for this error' });
    const product = find(request.id, this.config.region);
    if (!product) throw new RpcException({ code: status.NOT_FOUND, message: `there is no product ${request.id}` });
    return product;
  }
}

interface CatalogClient {
  getProduct(request: { id: string }, metadata: Metadata, options: { deadline: number }): Observable<Product>;
}

/** Asks the other regions in order; undefined means that there is no such product. */
@Injectable()
export class Catalog implements OnModuleDestroy {
  private readonly peers: Array<Peer & { proxy: ClientGrpcProxy; client: CatalogClient; restsUntil: number }>;

  private readonly tracer = trace.getTracer('psf_web');

  constructor(@Inject(CONFIG) private readonly config: Config) {
    this.peers = config.peers.map((peer) => {
      const proxy = ClientProxyFactory.create(grpcOptions(peer.target, clientCredentials(config.tls))) as unknown as ClientGrpcProxy;
      return { ...peer, proxy, client: proxy.getService<CatalogClient>('Catalog'), restsUntil: 0 };
    });
  }

  onModuleDestroy(): void {
    for (const peer of this.peers) peer.proxy.close();
  }

  async product(id: string): Promise<Product | undefined> {
    let reason: Fallback = this.peers.length > 0 ? 'unavailable' : 'none';
    for (const peer of this.peers) {
      if (Date.now() < peer.restsUntil) continue;
      try {
        return await this.ask(peer, id);
      } catch (error) {
        const code = codeOf(error);
        if (code === status.NOT_FOUND) return undefined;
        reason = code === status.UNAVAILABLE ? 'unavailable' : code === status.DEADLINE_EXCEEDED ? 'deadline' : 'error';
        if (reason !== 'error') peer.restsUntil = Date.now() + REST_MS;
        log.warn({ peer_region: peer.region, rpc_grpc_status_code: code, error: (error as Error).message }, 'another region failed');
      }
    }
    return this.fallBack(id, reason);
  }

  private async ask(peer: (typeof this.peers)[number], id: string): Promise<Product> {
    const started = process.hrtime.bigint();
    const span = currentSpan();
    let code: number = status.OK;
    rpcClientActive.inc(LABELS);
    try {
      return await firstValueFrom(peer.client.getProduct({ id }, new Metadata(), { deadline: Date.now() + this.config.peer_timeout }));
    } catch (error) {
      code = codeOf(error);
      throw error;
    } finally {
      rpcClientActive.dec(LABELS);
      observe(rpcClientDuration, { ...LABELS, rpc_grpc_status_code: String(code), peer_region: peer.region },
        Number(process.hrtime.bigint() - started) / 1e9, span);
    }
  }

  /** A span of its own: who reads the trace sees that the answer is the own region's, and why. */
  private fallBack(id: string, reason: Fallback): Product | undefined {
    return this.tracer.startActiveSpan('catalog.fallback', { attributes: { 'psf.fallback.reason': reason } }, (span) => {
      fallbacks.inc({ reason });
      if (reason !== 'none') span.setStatus({ code: SpanStatusCode.ERROR, message: 'no other region answered' });
      const product = find(id, this.config.region);
      span.end();
      return product;
    });
  }
}
