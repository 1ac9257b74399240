// The host's certificate, for servers and clients alike. A renewed one is taken without a restart.
import { readFileSync, statSync } from 'node:fs';
import { Server } from 'node:tls';
import {
  ChannelCredentials, experimental, ServerCredentials,
} from '@grpc/grpc-js';
import type { Tls } from './config';
import { log } from './log';

const REFRESH_MS = 10_000;

const secrets = (tls: Tls) => ({
  ca: readFileSync(tls.ca), cert: readFileSync(tls.cert), key: readFileSync(tls.key), minVersion: 'TLSv1.2' as const,
});

/** Options of an HTTPS server whose clients show a certificate of the same authority. */
export const serverOptions = (tls: Tls) => ({ ...secrets(tls), requestCert: true, rejectUnauthorized: true });

/** Give a running HTTPS server the certificate again whenever its file changes. Returns the timer. */
export function keepFresh(server: unknown, tls: Tls, every = REFRESH_MS): NodeJS.Timeout | undefined {
  if (!(server instanceof Server)) return undefined;
  let seen = statSync(tls.cert).mtimeMs;
  const timer = setInterval(() => {
    try {
      const now = statSync(tls.cert).mtimeMs;
      if (now !== seen) {
        server.setSecureContext(secrets(tls));
        seen = now;
        log.info({ certificate: tls.cert }, 'took the renewed certificate');
      }
    } catch (error) {
      log.error({ certificate: tls.cert, error: String(error) }, 'cannot read the certificate, keeping the old one');
    }
  }, every);
  return timer.unref();
}

const watcher = (tls: Tls): InstanceType<typeof experimental.FileWatcherCertificateProvider> =>
  new experimental.FileWatcherCertificateProvider({
    certificateFile: tls.cert, privateKeyFile: tls.key, caCertificateFile: tls.ca, refreshIntervalMs: REFRESH_MS });

/** Credentials of a gRPC client that shows the host's certificate. */
export function clientCredentials(tls: Tls | null): ChannelCredentials {
  if (tls === null) return ChannelCredentials.createInsecure();
  const files = watcher(tls);
  return experimental.createCertificateProviderChannelCredentials(files, files);
}

/** Credentials of a gRPC server whose clients show a certificate of the same authority. */
export function grpcServerCredentials(tls: Tls | null): ServerCredentials {
  if (tls === null) return ServerCredentials.createInsecure();
  const files = watcher(tls);
  return experimental.createCertificateProviderServerCredentials(files, files, true);
}
