// Leads a client with the endpoints of production to the rekeyd-sim of this run.
import { once } from 'node:events';
import https from 'node:https';

// Every connection goes to the simulator, whatever the URL says. The URL's name stays what TLS checks.
class ToSimulator extends https.Agent {
  createConnection(options, done) {
    const servername = options.servername || options.host;
    const port = Number(process.env.REKEYD_SIM_PORT);
    return super.createConnection({ ...options, servername, host: '127.0.0.1', port }, done);
  }
}

export const agent = new ToSimulator({ keepAlive: true });

// The control host: fault rules and the simulator's own view of its state.
export async function control(method, path, body) {
  const call = https.request({ agent, method, host: 'sim.localhost', path });
  call.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = await once(call, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
