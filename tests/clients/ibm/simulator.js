// Starts the rekeyd-sim that REKEYD_SIM names, and leads a client with production endpoints to it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, watch, existsSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Every connection goes to the simulator, whatever the URL says; the name in the URL stays what TLS checks.
class ToSimulator extends https.Agent {
  constructor(ca, port) {
    super({ ca, keepAlive: true });
    this.simulatorPort = port;
  }

  createConnection(options, done) {
    const servername = options.servername || options.host;
    return super.createConnection({ ...options, servername, host: '127.0.0.1', port: this.simulatorPort }, done);
  }
}

// Resolves when the file is there; rejects when the process ends first.
async function appears(file, folder, simulator) {
  const abort = new AbortController();
  const ended = once(simulator, 'exit', { signal: abort.signal }).then(([code]) => {
    throw new Error(`rekeyd-sim ended with ${code} before it was ready`);
  });
  ended.catch(() => {});
  const seen = new Promise((resolve) => {
    const watcher = watch(folder, () => {
      if (existsSync(file)) resolve(watcher.close());
    });
    if (existsSync(file)) resolve(watcher.close());
  });
  await Promise.race([seen, ended]);
  abort.abort();
}

export async function startSimulator() {
  const binary = process.env.REKEYD_SIM;
  if (!binary) throw new Error('REKEYD_SIM must name the rekeyd-sim to test');
  const folder = mkdtempSync(join(tmpdir(), 'rekeyd-ibm-suite-'));
  const ready = join(folder, 'port');
  const world = fileURLToPath(new URL('world.yaml', import.meta.url));
  const simulator = spawn(
    binary,
    ['--world', world, '--listen', '127.0.0.1:0', '--make-ca', folder, '--ready-file', ready],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await appears(ready, folder, simulator);
  const agent = new ToSimulator(readFileSync(join(folder, 'ca.pem')), Number(readFileSync(ready, 'utf8')));
  return {
    agent,
    control: (method, path, body) => request(agent, method, path, body),
    async stop() {
      agent.destroy();
      simulator.kill('SIGTERM');
      const [code] = await once(simulator, 'exit');
      rmSync(folder, { recursive: true });
      if (code !== 0) throw new Error(`rekeyd-sim ended with ${code}`);
    },
  };
}

// The control host: fault rules and the simulator's own view of its state.
async function request(agent, method, path, body) {
  const call = https.request({ agent, method, host: 'sim.localhost', path });
  call.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = await once(call, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
