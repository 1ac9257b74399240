// Entry point: node dist/src/main.js CONFIG.json, or with --check to look at the configuration only.
import './instrument';
import { readFileSync } from 'node:fs';
import { startAdmin } from './admin';
import { packageFile, startApp } from './app';
import { ConfigError, load } from './config';
import { Faults } from './faults';
import { log } from './log';
import { startMetrics } from './metrics';
import { startTracing } from './tracing';

async function main(words: string[]): Promise<void> {
  const names = words.filter((word) => !word.startsWith('--'));
  if (names.length !== 1 || !names[0]) throw new ConfigError('usage: main.js [--check] CONFIG.json');
  const config = load(names[0]);
  if (words.includes('--check')) return;
  log.level = config.log_level;
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
  const tracing = startTracing(config, version);
  startMetrics(version);
  const faults = new Faults();
  const app = await startApp(config, faults);
  if (config.faults) startAdmin(config, faults);
  log.info({ version, region: config.region, ports: config.ports, peers: config.peers.map((peer) => peer.region) }, 'started');
  // The spans of the last requests go out then.
  process.once('SIGTERM', () => {
    void app.close().then(() => tracing.shutdown()).catch((error: unknown) => log.error({ error: String(error) }, 'stopping'))
      .finally(() => process.exit(0));
  });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  log.fatal({ error: error instanceof ConfigError ? error.message : String((error as Error).stack ?? error) }, 'cannot start');
  process.exitCode = 1;
  setTimeout(() => process.exit(1), 100);
});
