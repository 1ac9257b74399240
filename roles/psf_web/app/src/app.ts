// The application as NestJS puts it together, REST and gRPC in one process.
import { join } from 'node:path';
import { type INestApplication, Module, type DynamicModule } from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Catalog, CatalogController, grpcOptions } from './catalog';
import { grpcServerCredentials, keepFresh, serverOptions } from './certificates';
import type { Config } from './config';
import { Faults } from './faults';
import { NestLog } from './log';
import { observeRequests } from './requests';
import { CONFIG } from './tokens';
import { HousekeepingController, Products, ProductsController, Readiness, RouteInterceptor, ShopController } from './web';

const BODY_LIMIT = '16kb';

@Module({})
export class AppModule {
  static of(config: Config, faults: Faults): DynamicModule {
    return {
      module: AppModule,
      controllers: [HousekeepingController, ProductsController, ShopController, CatalogController],
      providers: [
        { provide: CONFIG, useValue: config }, { provide: Faults, useValue: faults }, Catalog, Products, Readiness,
        { provide: APP_INTERCEPTOR, useClass: RouteInterceptor }],
    };
  }
}

const address = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** Start both sides. The caller closes what it gets. */
export async function startApp(config: Config, faults: Faults): Promise<INestApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.of(config, faults), {
    logger: new NestLog(), bodyParser: false, ...(config.tls ? { httpsOptions: serverOptions(config.tls) } : {}) });
  app.disable('x-powered-by');
  app.use(observeRequests);
  // navigator.sendBeacon sends JSON as text/plain.
  app.useBodyParser('json', { limit: BODY_LIMIT, type: ['application/json', 'text/plain'] });
  app.connectMicroservice(grpcOptions(address(config.listen, config.ports.grpc), grpcServerCredentials(config.tls)));
  await app.startAllMicroservices();
  await app.listen(config.ports.web, config.listen);
  if (config.tls) keepFresh(app.getHttpServer(), config.tls);
  app.get(Readiness).ready = true;
  return app;
}

export const packageFile = join(__dirname, '..', '..', 'package.json');
