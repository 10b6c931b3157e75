// The official client, unmodified, with the endpoints of production.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, describe, it } from 'node:test';

import KeyProtectV2 from '@ibm-cloud/ibm-key-protect/ibm-key-protect-api/v2.js';
import { IamAuthenticator } from '@ibm-cloud/ibm-key-protect/auth/index.js';

import { agent, control } from './simulator.mjs';

const standard = '0a0a0a0a-0000-4000-8000-000000000001';
const dedicated = '0a0a0a0a-0000-4000-8000-000000000002';
const hpcs = '0a0a0a0a-0000-4000-8000-000000000003';
const overdue = '0b0b0b0b-0000-4000-8000-000000000001';
const imported = '0b0b0b0b-0000-4000-8000-000000000002';

// A proxy of the machine must not come between client and simulator.
for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']) {
  delete process.env[name];
}

after(() => agent.destroy());
afterEach(() => control('DELETE', '/faults'));

function client({ apikey = 'suite-manager', host = 'us-south.kms.cloud.ibm.com' } = {}) {
  const authenticator = new IamAuthenticator({ apikey, httpsAgent: agent });
  return new KeyProtectV2({ authenticator, serviceUrl: `https://${host}`, httpsAgent: agent });
}

const at = (fields) => ({ bluemixInstance: standard, ...fields });

function keyBody(fields) {
  return {
    metadata: { collectionType: 'application/vnd.ibm.kms.key+json', collectionTotal: 1 },
    resources: [{ type: 'application/vnd.ibm.kms.key+json', extractable: false, ...fields }],
  };
}

async function createKey(kms, fields = { name: 'suite-key' }) {
  const { result } = await kms.createKey(at({ body: keyBody(fields) }));
  return result.resources[0];
}

async function currentVersion(kms, id) {
  const { result } = await kms.getKeyMetadata(at({ id }));
  return result.resources[0].keyVersion.id;
}

// The client gives an error's body as it came.
function reasonOf(error) {
  return JSON.parse(error.body).resources[0].reasons?.[0];
}

async function refused(promise, status, code) {
  const error = await promise.then(
    () => assert.fail('the call was expected to fail'),
    (failure) => failure,
  );
  assert.equal(error.status, status, error.message);
  if (code) assert.equal(reasonOf(error).code, code);
  return error;
}

describe('sign-in', () => {
  it('gets a token for an API key and is served', async () => {
    const { status, headers } = await client().getKeys(at({}));
    assert.equal(status, 200);
    assert.match(headers['correlation-id'], /^[0-9a-f-]{36}$/);
  });

  it('hears that an API key is unknown', async () => {
    const error = await refused(client({ apikey: 'wrong' }).getKeys(at({})), 400);
    assert.match(error.body, /BXNIM0415E/);
  });

  it('hears that an instance is unknown, or named wrongly', async () => {
    await refused(client().getKeys({ bluemixInstance: randomUUID() }), 401);
    await refused(client().getKeys({ bluemixInstance: 'crn:v1:bluemix' }), 400);
  });

  it('hears that a role is too low', async () => {
    const reader = client({ apikey: 'suite-reader' });
    assert.equal((await reader.getKeyMetadata(at({ id: overdue }))).status, 200);
    await refused(reader.rotateKey(at({ id: overdue })), 403);
  });

  it('works at every flavour', async () => {
    const hosts = {
      [dedicated]: `${dedicated}.api.eu-de.kms.appdomain.cloud`,
      [hpcs]: `${hpcs}.api.us-east.hs-crypto.appdomain.cloud`,
    };
    for (const [bluemixInstance, host] of Object.entries(hosts)) {
      const kms = client({ host });
      const { result } = await kms.createKey({ bluemixInstance, body: keyBody({ name: 'flavoured' }) });
      const { id } = result.resources[0];
      assert.equal((await kms.rotateKey({ bluemixInstance, id })).status, 204);
      assert.equal((await kms.getKeyVersions({ bluemixInstance, id })).result.resources.length, 2);
    }
  });
});

describe('keys', () => {
  it('lists in pages and counts in all', async () => {
    const kms = client();
    const seen = new Set();
    const query = { state: [1, 2], extractable: false, limit: 5 };
    for (let offset = 0; ; offset += 5) {
      const { result } = await kms.getKeys(at({ ...query, offset }));
      const page = result.resources ?? [];
      assert.equal(result.metadata.collectionTotal, page.length);
      page.forEach((key) => seen.add(key.id));
      if (page.length < 5) break;
    }
    const { headers } = await kms.getKeyCollectionMetadata(at({ state: [1, 2], extractable: false }));
    assert.equal(Number(headers['key-total']), seen.size);
    assert.ok(seen.has(overdue) && seen.has(imported));
    await refused(kms.getKeys(at({ limit: 5001 })), 400, 'INVALID_QUERY_PARAM_ERR');
  });

  it('creates, reads by id and alias, deletes and restores', async () => {
    const kms = client();
    const key = await createKey(kms, { name: 'short-lived', description: 'of the suite', tags: ['a'] });
    assert.equal(key.state, 1);
    assert.equal(key.lastRotateDate, undefined);
    await kms.createKeyAlias(at({ id: key.id, alias: 'suite alias' }));
    const byAlias = await kms.getKey(at({ id: 'suite alias' }));
    assert.equal(byAlias.result.resources[0].id, key.id);
    await kms.deleteKeyAlias(at({ id: key.id, alias: 'suite alias' }));

    const gone = await kms.deleteKey(at({ id: key.id, prefer: 'return=representation' }));
    assert.equal(gone.result.resources[0].state, 5);
    await refused(kms.deleteKey(at({ id: key.id })), 410, 'KEY_DELETED_ERR');
    const early = await refused(kms.restoreKey(at({ id: key.id })), 409);
    assert.equal(early.status, 409);
  });

  it('imports material', async () => {
    const kms = client();
    const payload = Buffer.alloc(32, 7).toString('base64');
    const key = await createKey(kms, { name: 'brought-along', payload });
    assert.equal(key.imported, true);
    await refused(kms.createKey(at({ body: keyBody({ name: 'short', payload: 'AAAA' }) })), 400, 'INVALID_FIELD_ERR');
  });

  it('is told of members that the service does not know', async () => {
    await refused(client().createKey(at({ body: keyBody({ name: 'odd', colour: 'red' }) })), 400, 'BAD_BODY_ERR');
  });

  it('hears that a key does not exist', async () => {
    const error = await refused(client().getKeyMetadata(at({ id: randomUUID() })), 404, 'KEY_NOT_FOUND_ERR');
    assert.equal(typeof error.body, 'string');
  });

  it('disables, and enables only after 30 seconds', async () => {
    const kms = client();
    const { id } = await createKey(kms);
    assert.equal((await kms.disableKey(at({ id }))).status, 204);
    assert.equal((await kms.getKeyMetadata(at({ id }))).result.resources[0].state, 2);
    await refused(kms.wrapKey(at({ id, keyActionWrapBody: {} })), 409, 'KEY_ACTION_INVALID_STATE_ERR');
    await refused(kms.enableKey(at({ id })), 409, 'REQ_TOO_EARLY_ERR');
  });
});

describe('rotation', () => {
  it('makes one new version, once an hour', async () => {
    const kms = client();
    const before = await currentVersion(kms, overdue);
    const { status } = await kms.rotateKey(at({ id: overdue }));
    assert.equal(status, 204);
    const newest = await currentVersion(kms, overdue);
    assert.notEqual(newest, before);
    const { result } = await kms.getKeyVersions(at({ id: overdue, limit: 10, offset: 0 }));
    assert.equal(result.resources.length, 4);
    assert.equal(result.resources[0].id, newest);
    assert.equal(result.resources[3].id, overdue);
    await refused(kms.rotateKey(at({ id: overdue, keyActionRotateBody: {} })), 409, 'KEY_ROTATION_NOT_PERMITTED');
  });

  it('wants material for an imported key', async () => {
    const kms = client();
    await refused(kms.rotateKey(at({ id: imported })), 400, 'KEY_PAYLOAD_REQ_ERR');
    const payload = Buffer.alloc(32, 9).toString('base64');
    assert.equal((await kms.rotateKey(at({ id: imported, keyActionRotateBody: { payload } }))).status, 204);
  });

  it('is seen by the registrations, each in its time', async () => {
    const kms = client();
    const { result } = await kms.getRegistrations(at({ id: overdue, totalCount: true }));
    assert.equal(result.metadata.totalCount, 2);
    assert.deepEqual(result.resources.map((entry) => entry.keyId), [overdue, overdue]);
    const query = 'crn:v1:bluemix:public:is:*:*:*:volume:*';
    const volumes = await kms.getRegistrations(at({ id: overdue, urlEncodedResourceCrnQuery: query }));
    assert.equal(volumes.result.resources.length, 1);
    assert.equal(volumes.result.resources[0].description, 'vpc volume');
    assert.equal((await kms.getRegistrationsAllKeys(at({}))).result.resources.length, 2);
    const { id } = await createKey(kms);
    assert.equal((await kms.getRegistrations(at({ id }))).result.resources, undefined);
  });

  it('is followed by no sync within the hour', async () => {
    const kms = client();
    const { id } = await createKey(kms);
    assert.equal((await kms.syncAssociatedResources(at({ id }))).status, 204);
    const error = await refused(kms.syncAssociatedResources(at({ id })), 409, 'REQ_TOO_EARLY_ERR');
    const earliest = reasonOf(error).message.match(/until at least (\S+)$/);
    assert.ok(Date.parse(earliest[1]) > Date.now());
  });
});

describe('wrapping', () => {
  it('wraps, unwraps and rewraps with AAD over a rotation', async () => {
    const kms = client();
    const { id } = await createKey(kms);
    const old = await currentVersion(kms, id);
    const aad = ['orders', 'eu'];
    const plaintext = Buffer.from('a data encryption key').toString('base64');
    const wrapped = (await kms.wrapKey(at({ id, keyActionWrapBody: { plaintext, aad } }))).result;
    assert.equal(wrapped.keyVersion.id, old);
    assert.equal(wrapped.plaintext, undefined);
    assert.equal(JSON.parse(Buffer.from(wrapped.ciphertext, 'base64')).handle, old);

    await kms.rotateKey(at({ id }));
    const newest = await currentVersion(kms, id);
    const { ciphertext } = wrapped;
    const rewrapped = (await kms.rewrapKey(at({ id, keyActionRewrapBody: { ciphertext, aad } }))).result;
    assert.equal(rewrapped.keyVersion.id, old);
    assert.equal(rewrapped.rewrappedKeyVersion.id, newest);
    assert.equal(rewrapped.plaintext, undefined);
    const opened = (await kms.unwrapKey(at({ id, keyActionUnwrapBody: { ciphertext: rewrapped.ciphertext, aad } }))).result;
    assert.equal(opened.plaintext, plaintext);
    assert.equal(opened.rewrappedKeyVersion, undefined);
    const older = (await kms.unwrapKey(at({ id, keyActionUnwrapBody: { ciphertext, aad } }))).result;
    assert.equal(older.plaintext, plaintext);
    assert.equal(older.rewrappedKeyVersion.id, newest);

    const wrong = { ciphertext, aad: ['eu', 'orders'] };
    await refused(kms.unwrapKey(at({ id, keyActionUnwrapBody: wrong })), 422, 'UNPROCESSABLE_CIPHERTEXT_ERR');
  });

  it('makes a DEK of 32 bytes when none is given', async () => {
    const kms = client();
    const { id } = await createKey(kms);
    const { result } = await kms.wrapKey(at({ id }));
    assert.equal(Buffer.from(result.plaintext, 'base64').length, 32);
  });
});

describe('policies', () => {
  it('puts and shows the rotation policy of a key', async () => {
    const kms = client();
    const { id } = await createKey(kms);
    assert.equal((await kms.getPolicy(at({ id }))).result.resources, undefined);
    const policy = {
      metadata: { collectionType: 'application/vnd.ibm.kms.policy+json', collectionTotal: 1 },
      resources: [{ type: 'application/vnd.ibm.kms.policy+json', rotation: { interval_month: 3 } }],
    };
    const put = await kms.putPolicy(at({ id, setKeyPoliciesOneOf: policy, policy: 'rotation' }));
    assert.deepEqual(put.result.resources[0].rotation, { enabled: true, interval_month: 3 });
    const shown = await kms.getKeyMetadata(at({ id }));
    assert.deepEqual(shown.result.resources[0].rotation, { enabled: true, interval_month: 3 });
    policy.resources[0].rotation.interval_month = 13;
    await refused(kms.putPolicy(at({ id, setKeyPoliciesOneOf: policy })), 400, 'INVALID_FIELD_ERR');
  });

  it('puts and shows instance policies', async () => {
    const kms = client();
    const policies = {
      metadata: { collectionType: 'application/vnd.ibm.kms.policy+json', collectionTotal: 1 },
      resources: [{ policy_type: 'metrics', policy_data: { enabled: true } }],
    };
    const put = await kms.putInstancePolicy(at({ setInstancePoliciesOneOf: policies, policy: 'metrics' }));
    assert.equal(put.status, 204);
    const { result } = await kms.getInstancePolicy(at({ policy: 'metrics' }));
    assert.equal(result.resources[0].policy_data.enabled, true);
    assert.equal((await kms.getAllowedIpPort(at({}))).result.metadata.collectionTotal, 0);
  });

  it('keeps keys in rings', async () => {
    const kms = client();
    assert.equal((await kms.createKeyRing(at({ keyRingId: 'suite' }))).status, 201);
    const { result } = await kms.createKey(at({ body: keyBody({ name: 'ringed' }), xKmsKeyRing: 'suite' }));
    assert.equal(result.resources[0].keyRingID, 'suite');
    const rings = (await kms.listKeyRings(at({}))).result.resources.map((ring) => ring.id);
    assert.deepEqual(rings.sort(), ['default', 'suite']);
    await refused(kms.deleteKeyRing(at({ keyRingId: 'suite' })), 409, 'KEY_RING_NOT_EMPTY_ERR');
    await refused(kms.getKeyMetadata(at({ id: overdue, xKmsKeyRing: 'suite' })), 404, 'KEY_NOT_FOUND_ERR');
  });
});

describe('trouble', () => {
  const busy = { kind: 'refuse', path: '/api/v2/keys', status: 429, retry_after: '1', times: 2 };

  it('is an error at once unless retries are switched on', async () => {
    await control('POST', '/faults', [busy]);
    const error = await refused(client().getKeys(at({})), 429);
    assert.equal(error.headers['retry-after'], '1');
  });

  it('is waited out with Retry-After when they are', async () => {
    await control('POST', '/faults', [busy]);
    const kms = client();
    kms.enableRetries({ maxRetries: 3, maxRetryInterval: 5 });
    const began = process.hrtime.bigint();
    assert.equal((await kms.getKeys(at({}))).status, 200);
    assert.ok(process.hrtime.bigint() - began >= 1_900_000_000n);
  });

  it('after the effect leaves the new version behind', async () => {
    const kms = client();
    const { id } = await createKey(kms);
    await control('POST', '/faults', [{ kind: 'reset-after', path: '*/actions/rotate', times: 1 }]);
    await assert.rejects(kms.rotateKey(at({ id })));
    assert.equal((await kms.getKeyVersions(at({ id }))).result.resources.length, 2);
    await refused(kms.rotateKey(at({ id })), 409, 'KEY_ROTATION_NOT_PERMITTED');
  });
});
