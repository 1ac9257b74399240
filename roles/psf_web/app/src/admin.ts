// The switch of the faults, on loopback: GET shows them, POST starts one, DELETE ends all. See faults.ts for the requests.
import { createServer as createPlain, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { keepFresh, serverOptions } from './certificates';
import type { Config } from './config';
import { FaultError, type Faults } from './faults';
import { log } from './log';

const MAX_BODY = 4096;

async function body(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_BODY) throw new FaultError(`a request has at most ${MAX_BODY} bytes`);
  }
  return text;
}

async function answer(faults: Faults, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const say = (status: number, value: unknown): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
  };
  if (request.url !== '/faults' || !['GET', 'POST', 'DELETE'].includes(request.method ?? '')) {
    say(404, { error: 'GET, POST or DELETE /faults' });
    return;
  }
  try {
    if (request.method === 'POST') {
      const wanted: unknown = JSON.parse(await body(request));
      faults.start(wanted);
      log.warn({ fault: wanted }, 'a drill switched a fault on');
    } else if (request.method === 'DELETE') {
      faults.stopAll();
      log.warn('a drill switched all faults off');
    }
    say(200, faults.list());
  } catch (error) {
    if (!(error instanceof FaultError || error instanceof SyntaxError)) throw error;
    say(400, { error: error.message });
  }
}

export function startAdmin(config: Config, faults: Faults): Server {
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    answer(faults, request, response).catch((error: unknown) => {
      log.error({ error: String(error) }, 'admin request failed');
      response.destroy();
    });
  };
  const server = config.tls ? createSecure(serverOptions(config.tls), handler) : createPlain(handler);
  if (config.tls) keepFresh(server, config.tls);
  server.listen(config.ports.admin, '127.0.0.1');
  return server as Server;
}
