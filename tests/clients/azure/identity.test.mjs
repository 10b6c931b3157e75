// @azure/identity, unmodified, against rekeyd-sim: each kind of credential gets a token that a vault takes.
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ClientCertificateCredential,
  ClientSecretCredential,
  ManagedIdentityCredential,
  WorkloadIdentityCredential,
} from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';

const port = process.env.REKEYD_SIM_PORT;
const tenant = '11111111-2222-4333-8444-555555555555';
const client = (number) => `66666666-7777-4888-8999-00000000000${number}`;
const authority = { authorityHost: `https://login.localhost:${port}`, disableInstanceDiscovery: true };
const folder = mkdtempSync(join(tmpdir(), 'rekeyd-identity-'));

function tell(path, wish) {
  return new Promise((resolve, reject) => {
    const request = https.request({ host: 'sim.localhost', port, path, method: 'POST' }, (answer) => {
      let text = '';
      answer.on('data', (piece) => (text += piece));
      answer.on('end', () => resolve(text ? JSON.parse(text) : undefined));
    });
    request.on('error', reject);
    request.end(JSON.stringify(wish));
  });
}

async function listsKeys(credential) {
  const vault = new KeyClient(`https://suite.vault.localhost:${port}`, credential);
  for await (const key of vault.listPropertiesOfKeys()) return key.name;
  return undefined;
}

async function write(name, text) {
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

const refused = (credential, code) =>
  assert.rejects(credential.getToken('https://vault.localhost/.default'), (error) => {
    assert.match(error.message, code);
    return true;
  });

test('a client secret', async () => {
  assert.ok(await listsKeys(new ClientSecretCredential(tenant, client(1), 'suite-secret', authority)));
  await refused(new ClientSecretCredential(tenant, client(1), 'wrong', authority), /7000215/);
});

for (const sendCertificateChain of [false, true]) {
  test(`a client certificate, chain sent: ${sendCertificateChain}`, async () => {
    const { pem } = await tell('/client-certificates', { client: client(2) });
    const options = { ...authority, sendCertificateChain };
    const credential = new ClientCertificateCredential(tenant, client(2), await write('app.pem', pem), options);
    assert.ok(await listsKeys(credential));
    assert.ok(await credential.getToken('https://management.azure.com/.default'));
  });
}

test('a certificate that is not registered is refused', async () => {
  const { pem } = await tell('/client-certificates', { client: client(2), registered: false });
  await refused(
    new ClientCertificateCredential(tenant, client(2), { certificate: pem }, authority),
    /700027/,
  );
});

test('a workload identity', async () => {
  const wish = { issuer: 'https://oidc.example/suite', subject: 'system:serviceaccount:suite:suite' };
  const options = { tenantId: tenant, clientId: client(3), ...authority };
  const { token } = await tell('/federated-tokens', wish);
  const tokenFilePath = await write('token', token);
  assert.ok(await listsKeys(new WorkloadIdentityCredential({ ...options, tokenFilePath })));
  const other = await tell('/federated-tokens', { ...wish, subject: 'somebody-else' });
  const otherFile = await write('other', other.token);
  await refused(new WorkloadIdentityCredential({ ...options, tokenFilePath: otherFile }), /700213/);
});

test('managed identities of a machine', async () => {
  process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = `https://imds.localhost:${port}`;
  assert.ok(await listsKeys(new ManagedIdentityCredential()));
  assert.ok(await listsKeys(new ManagedIdentityCredential({ clientId: 'aaaaaaaa-0000-4000-8000-000000000002' })));
  assert.ok(await listsKeys(new ManagedIdentityCredential({ objectId: 'bbbbbbbb-0000-4000-8000-000000000002' })));
  await refused(new ManagedIdentityCredential({ clientId: 'aaaaaaaa-0000-4000-8000-000000000009' }), /not found/i);
});

test('a token for Resource Manager', async () => {
  const secret = new ClientSecretCredential(tenant, client(1), 'suite-secret', authority);
  const { token } = await secret.getToken('https://management.azure.com/.default');
  const { aud } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  assert.equal(aud, 'https://management.azure.com');
});
