// @azure/keyvault-keys and @azure/identity, unmodified, against rekeyd-sim: what Microsoft's own client takes for a
// vault is one.
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ClientSecretCredential } from '@azure/identity';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';

const port = process.env.REKEYD_SIM_PORT;
const credential = (secret) =>
  new ClientSecretCredential('11111111-2222-4333-8444-555555555555', '66666666-7777-4888-8999-000000000001', secret, {
    authorityHost: `https://login.localhost:${port}`,
    disableInstanceDiscovery: true,
  });
const trusted = credential('suite-secret');
const vault = new KeyClient(`https://suite.vault.localhost:${port}`, trusted);
const hsm = new KeyClient(`https://suite-hsm.managedhsm.localhost:${port}`, trusted);

async function collect(pages) {
  const all = [];
  for await (const entry of pages) all.push(entry);
  return all;
}

test('create, get and update a key', async () => {
  const made = await vault.createRsaKey('made', { keySize: 2048, tags: { tier: 'pci' } });
  assert.equal(made.keyType, 'RSA');
  assert.equal(made.properties.version.length, 32);
  assert.deepEqual(made.keyOperations, ['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey']);
  const read = await vault.getKey('made', { version: made.properties.version });
  assert.deepEqual(read.key.n, made.key.n);
  const expiresOn = new Date('2031-05-01T00:00:00Z');
  const updated = await vault.updateKeyProperties('made', made.properties.version, { enabled: false, expiresOn });
  assert.equal(updated.properties.enabled, false);
  assert.equal(updated.properties.expiresOn.getTime(), expiresOn.getTime());
  assert.equal(updated.properties.tags.tier, 'pci');
});

test('list keys over several pages', async () => {
  const names = (await collect(vault.listPropertiesOfKeys())).map((key) => key.name);
  assert.equal(names.filter((name) => name.startsWith('many-')).length, 60);
  assert.equal(new Set(names).size, names.length);
});

for (const [kind, client] of [['Key Vault', vault], ['Managed HSM', hsm]]) {
  test(`list versions over several pages: ${kind}`, async () => {
    const versions = await collect(client.listPropertiesOfKeyVersions('aged'));
    assert.equal(new Set(versions.map((one) => one.version)).size, 30);
    const newest = versions.reduce((a, b) => (a.createdOn > b.createdOn ? a : b));
    assert.equal((await client.getKey('aged')).properties.version, newest.version);
  });
}

test('rotate makes a new version with new material', async () => {
  const before = await vault.createRsaKey('rotated', { keySize: 2048 });
  const after = await vault.rotateKey('rotated');
  assert.notEqual(after.properties.version, before.properties.version);
  assert.notDeepEqual(after.key.n, before.key.n);
  assert.equal((await vault.getKey('rotated')).properties.version, after.properties.version);
});

test('put and get a rotation policy', async () => {
  await vault.createRsaKey('ruled', { keySize: 2048 });
  const policy = { lifetimeActions: [{ action: 'Rotate', timeAfterCreate: 'P3M' }], expiresIn: 'P1Y' };
  await vault.updateKeyRotationPolicy('ruled', policy);
  const read = await vault.getKeyRotationPolicy('ruled');
  assert.equal(read.expiresIn, 'P1Y');
  assert.equal(read.lifetimeActions[0].action.toLowerCase(), 'rotate');
  assert.equal(read.lifetimeActions[0].timeAfterCreate, 'P3M');
  assert.ok(read.id.endsWith('/keys/ruled/rotationpolicy'));
});

test('Managed HSM rotates only what has a rotation policy', async () => {
  await assert.rejects(hsm.rotateKey('aged'), (error) => error.statusCode === 400 && error.code === 'BadParameter');
  const rotated = await hsm.rotateKey('ruled');
  assert.equal(rotated.keyType, 'RSA-HSM');
});

for (const algorithm of ['RSA-OAEP-256', 'RSA-OAEP', 'RSA1_5']) {
  test(`wrapped with the public key by the client, unwrapped by the service: ${algorithm}`, async () => {
    const key = await vault.createRsaKey('wrapping', { keySize: 2048 });
    const crypto = new CryptographyClient(key, trusted);
    const dek = randomBytes(32);
    const wrapped = await crypto.wrapKey(algorithm, dek);
    const opened = await crypto.unwrapKey(algorithm, wrapped.result);
    assert.deepEqual(Buffer.from(opened.result), dek);
    const encrypted = await crypto.encrypt({ algorithm, plaintext: dek });
    const decrypted = await crypto.decrypt({ algorithm, ciphertext: encrypted.result });
    assert.deepEqual(Buffer.from(decrypted.result), dek);
  });
}

test('a symmetric key wraps at Managed HSM', async () => {
  const key = await hsm.createOctKey('aes', { hsm: true, keySize: 256 });
  assert.equal(key.keyType, 'oct-HSM');
  const crypto = new CryptographyClient(key.id, trusted);
  const dek = randomBytes(32);
  const wrapped = await crypto.wrapKey('A256KW', dek);
  assert.equal(wrapped.result.length, 40);
  const opened = await crypto.unwrapKey('A256KW', wrapped.result);
  assert.deepEqual(Buffer.from(opened.result), dek);
  const sealed = await crypto.encrypt({ algorithm: 'A256GCM', plaintext: dek, additionalAuthenticatedData: Buffer.from('a') });
  const decrypted = await crypto.decrypt({
    algorithm: 'A256GCM', ciphertext: sealed.result, iv: sealed.iv, authenticationTag: sealed.authenticationTag,
    additionalAuthenticatedData: sealed.additionalAuthenticatedData,
  });
  assert.deepEqual(Buffer.from(decrypted.result), dek);
});

test('an imported key is the one that was brought', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).export({ format: 'jwk' });
  const part = (name) => Buffer.from(jwk[name], 'base64url');
  const key = {
    kty: 'RSA', n: part('n'), e: part('e'), d: part('d'), p: part('p'), q: part('q'), dp: part('dp'), dq: part('dq'),
    qi: part('qi'), keyOps: ['wrapKey', 'unwrapKey'],
  };
  const imported = await vault.importKey('brought', key);
  assert.deepEqual(Buffer.from(imported.key.n), part('n'));
  assert.deepEqual(imported.keyOperations, ['wrapKey', 'unwrapKey']);
});

test('delete, recover, delete again and purge', async () => {
  await vault.createEcKey('leaving', { curve: 'P-256' });
  await (await vault.beginDeleteKey('leaving', { intervalInMs: 50 })).pollUntilDone();
  await assert.rejects(vault.createEcKey('leaving'), (error) => error.statusCode === 409);
  await (await vault.beginRecoverDeletedKey('leaving', { intervalInMs: 50 })).pollUntilDone();
  await (await vault.beginDeleteKey('leaving', { intervalInMs: 50 })).pollUntilDone();
  await vault.purgeDeletedKey('leaving');
  await assert.rejects(vault.getDeletedKey('leaving'), (error) => error.statusCode === 404);
});

test('errors are read as the service means them', async () => {
  await assert.rejects(vault.getKey('no-such-key'), (error) => error.statusCode === 404 && error.code === 'KeyNotFound');
  const stranger = new KeyClient(`https://suite.vault.localhost:${port}`, credential('wrong'));
  await assert.rejects(stranger.getKey('aged'), /AADSTS7000215/);
});

test('random bytes come from Managed HSM', async () => {
  assert.equal((await hsm.getRandomBytes(32)).length, 32);
});
