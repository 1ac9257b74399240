// The REST side: products, orders, accounts, web vitals, health and metrics.
import {
  Body, type CallHandler, Controller, type ExecutionContext, Get, Header, HttpCode, Inject, Injectable,
  InternalServerErrorException, type NestInterceptor, NotFoundException, Param, Post, Query, ServiceUnavailableException,
} from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import type { Request } from 'express';
import { from, type Observable, switchMap } from 'rxjs';
import { Registry } from 'prom-client';
import { Cache } from './cache';
import { Catalog } from './catalog';
import type { Config } from './config';
import { Faults } from './faults';
import { isHousekeeping } from './instrument';
import { limit, order, productId, vital, SHIFT } from './input';
import { log } from './log';
import { layoutShift, orders, registry, revenue, signups, vitals } from './metrics';
import { list, type Product } from './products';
import { nameSpan, routeOf } from './requests';
import { CONFIG } from './tokens';
import { pause } from './waits';

/** Every routed request: its span gets the route, and a drill's fault is applied. */
@Injectable()
export class RouteInterceptor implements NestInterceptor {
  constructor(private readonly faults: Faults) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const request = context.switchToHttp().getRequest<Request>();
    const route = routeOf(request);
    if (route === undefined || isHousekeeping(request.url)) return next.handle();
    nameSpan(route);
    return from(pause(this.faults.delay(route))).pipe(switchMap(() => {
      if (this.faults.fails(route)) throw new InternalServerErrorException('a drill asked for this error');
      return next.handle();
    }));
  }
}

/** A product from the cache, else from another region. */
@Injectable()
export class Products {
  private readonly cache: Cache<Product>;

  constructor(@Inject(CONFIG) config: Config, private readonly catalog: Catalog) {
    this.cache = new Cache(config.cache_seconds * 1000, config.cache_entries);
  }

  async get(id: string): Promise<Product | undefined> {
    const cached = this.cache.get(id);
    trace.getActiveSpan()?.setAttribute('psf.cache.hit', cached !== undefined);
    if (cached) return cached;
    const product = await this.catalog.product(id);
    if (product) this.cache.set(id, product);
    return product;
  }
}

@Controller('products')
export class ProductsController {
  constructor(@Inject(CONFIG) private readonly config: Config, private readonly products: Products) {}

  @Get()
  list(@Query('limit') most?: string): Product[] {
    return list(limit(most), this.config.region);
  }

  @Get(':id')
  async one(@Param('id') id: string): Promise<Product> {
    const product = await this.products.get(productId(id));
    if (!product) throw new NotFoundException(`there is no product ${id}`);
    return product;
  }
}

@Controller()
export class ShopController {
  constructor(@Inject(CONFIG) private readonly config: Config, private readonly products: Products) {}

  @Post('orders')
  async order(@Body() body: unknown): Promise<{ total_cents: number }> {
    const { product: id, quantity, payment } = order(body);
    const product = await this.products.get(id);
    if (!product) throw new NotFoundException(`there is no product ${id}`);
    const total = product.price_cents * quantity;
    orders.inc({ payment });
    revenue.inc({ payment }, total);
    log.info({ product: id, quantity, payment, total_cents: total }, 'order accepted');
    return { total_cents: total };
  }

  @Post('signups')
  @HttpCode(201)
  signUp(): { accepted: true } {
    signups.inc();
    log.info('account opened');
    return { accepted: true };
  }

  @Post('vitals')
  @HttpCode(204)
  beacon(@Body() body: unknown): void {
    const { name, value, route } = vital(body, this.config.pages);
    if (name === SHIFT) layoutShift.observe({ route }, value);
    else vitals.observe({ name, route }, value);
  }
}

/** Ready from the moment the gRPC side listens until the process is told to stop. */
@Injectable()
export class Readiness {
  ready = false;

  beforeApplicationShutdown(): void {
    this.ready = false;
  }
}

@Controller()
export class HousekeepingController {
  constructor(private readonly readiness: Readiness) {}

  @Get('health/live')
  live(): { status: string } {
    return { status: 'ok' };
  }

  @Get('health/ready')
  isReady(): { status: string } {
    if (!this.readiness.ready) throw new ServiceUnavailableException('not ready');
    return { status: 'ok' };
  }

  @Get('metrics')
  @Header('Content-Type', Registry.OPENMETRICS_CONTENT_TYPE)
  metrics(): Promise<string> {
    return registry.metrics();
  }
}
