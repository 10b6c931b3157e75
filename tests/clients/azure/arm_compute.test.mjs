// @azure/arm-compute, unmodified, against rekeyd-sim: lists, states and long-running operations as Microsoft's own
// client and its pollers take them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ComputeManagementClient } from '@azure/arm-compute';
import { ClientSecretCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';

const port = process.env.REKEYD_SIM_PORT;
const credential = new ClientSecretCredential(
  '11111111-2222-4333-8444-555555555555', '66666666-7777-4888-8999-000000000001', 'suite-secret',
  { authorityHost: `https://login.localhost:${port}`, disableInstanceDiscovery: true },
);
const compute = new ComputeManagementClient(credential, 'aaaaaaaa-0000-4000-8000-000000000001', {
  endpoint: `https://management.localhost:${port}`,
});
const vault = new KeyClient(`https://suite.vault.localhost:${port}`, credential);
const group = 'suite';
const quickly = { updateIntervalInMs: 200 };

async function collect(pages) {
  const all = [];
  for await (const entry of pages) all.push(entry);
  return all;
}

async function power(name) {
  const view = await compute.virtualMachines.instanceView(group, name);
  return view.statuses.map((status) => status.code).find((code) => code.startsWith('PowerState/')).slice(11);
}

// The body of a PATCH: a new version of the set's key, the source vault as it was.
async function newVersion(set) {
  const { activeKey } = await compute.diskEncryptionSets.get(group, set);
  const key = await vault.rotateKey(activeKey.keyUrl.split('/')[4]);
  return { activeKey: { ...activeKey, keyUrl: key.id } };
}

test('machines are listed over several pages, with and without their states', async () => {
  const names = (await collect(compute.virtualMachines.list(group))).map((machine) => machine.name);
  assert.deepEqual(names, ['cvm-1', 'cvm-2', 'cvm-3', 'locked', 'old', 'part-1', 'part-2']);
  const states = await collect(compute.virtualMachines.listAll({ statusOnly: 'true' }));
  assert.equal(states.length, names.length);
  assert.ok(states.every((machine) => machine.instanceView.statuses.length === 2));
});

test('a confidential machine names its set where the model has it', async () => {
  const machine = await compute.virtualMachines.get(group, 'cvm-1', { expand: 'instanceView' });
  assert.equal(machine.securityProfile.securityType, 'ConfidentialVM');
  const { securityProfile } = machine.storageProfile.osDisk.managedDisk;
  assert.equal(securityProfile.securityEncryptionType, 'DiskWithVMGuestState');
  assert.match(securityProfile.diskEncryptionSet.id, /\/diskEncryptionSets\/cvm$/);
  assert.equal(machine.instanceView.statuses[1].code, 'PowerState/running');
  const disks = await collect(compute.diskEncryptionSets.listAssociatedResources(group, 'cvm'));
  assert.equal(disks.length, 3);
  const disk = await compute.disks.get(group, disks[0].split('/').pop());
  assert.equal(disk.securityProfile.securityType, 'ConfidentialVM_DiskEncryptedWithCustomerKey');
  assert.match(disk.managedBy, /\/virtualMachines\/cvm-1$/);
});

test('the key of confidential machines: refused while they run, changed when all are deallocated', async () => {
  const change = await newVersion('cvm');
  await assert.rejects(
    compute.diskEncryptionSets.update(group, 'cvm', change, quickly).pollUntilDone(),
    (error) => error.statusCode === 409 && error.code === 'OperationNotAllowed',
  );
  const names = ['cvm-1', 'cvm-2', 'cvm-3'];
  await Promise.all(names.map((name) => compute.virtualMachines.deallocate(group, name, quickly).pollUntilDone()));
  assert.equal(await power('cvm-2'), 'deallocated');
  const changed = await compute.diskEncryptionSets.update(group, 'cvm', change, quickly).pollUntilDone();
  assert.equal(changed.provisioningState, 'Succeeded');
  const set = await compute.diskEncryptionSets.get(group, 'cvm');
  assert.equal(set.activeKey.keyUrl.split('/').pop(), change.activeKey.keyUrl.split('/').pop());
  assert.equal(set.previousKeys, undefined);
  await Promise.all(names.map((name) => compute.virtualMachines.start(group, name, quickly).pollUntilDone()));
  assert.equal(await power('cvm-3'), 'running');
});

test('a partial change is seen in previousKeys and completed by the same request', async () => {
  const change = await newVersion('partial');
  await compute.diskEncryptionSets.update(group, 'partial', change, quickly).pollUntilDone();
  const partial = await compute.diskEncryptionSets.get(group, 'partial');
  assert.equal(partial.previousKeys.length, 1);
  assert.equal(partial.provisioningState, 'Updating');
  await compute.diskEncryptionSets.update(group, 'partial', change, quickly).pollUntilDone();
  const whole = await compute.diskEncryptionSets.get(group, 'partial');
  assert.equal(whole.previousKeys, undefined);
  assert.equal(whole.provisioningState, 'Succeeded');
});

test('a whole object put back as it was read changes the key, and tags', async () => {
  const set = await compute.diskEncryptionSets.get(group, 'plain');
  const change = await newVersion('plain');
  const put = await compute.diskEncryptionSets
    .createOrUpdate(group, 'plain', { ...set, ...change, tags: { tier: 'pci' } }, quickly)
    .pollUntilDone();
  assert.equal(put.tags.tier, 'pci');
  assert.ok(put.lastKeyRotationTimestamp instanceof Date);
});

test('an operation that fails is told with its code', async () => {
  const change = await newVersion('denied');
  await assert.rejects(
    compute.diskEncryptionSets.update(group, 'denied', change, quickly).pollUntilDone(),
    /KeyVaultAccessForbidden|Access to key/,
  );
  await assert.rejects(compute.virtualMachines.start(group, 'old', quickly).pollUntilDone(), /Allocation failed/);
  const view = await compute.virtualMachines.instanceView(group, 'old');
  assert.equal(view.statuses[0].code, 'ProvisioningState/failed/AllocationFailed');
});

test('disk encryption inside a machine is an extension with a versioned key', async () => {
  const { value } = await compute.virtualMachineExtensions.list(group, 'old');
  assert.equal(value.length, 1);
  assert.equal(value[0].publisher, 'Microsoft.Azure.Security');
  assert.match(value[0].settings.KeyEncryptionKeyURL, /\/keys\/disks\/[0-9a-f]{32}$/);
});

test('errors are read as Azure means them', async () => {
  await assert.rejects(compute.virtualMachines.get(group, 'none'), (error) => error.statusCode === 404 && error.code === 'ResourceNotFound');
  await assert.rejects(
    compute.virtualMachines.deallocate(group, 'locked', quickly).pollUntilDone(),
    (error) => error.statusCode === 409 && error.code === 'ScopeLocked',
  );
});
