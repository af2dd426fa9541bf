// The vendor's own client against our service: only its base URL is another.
import assert from 'node:assert/strict';
import Kisi from 'kisi-client';

const { BASE, EMAIL, PASSWORD, PLACE } = process.env;
const placeId = Number(PLACE);
const kisi = new Kisi({ baseURL: BASE });

// An error has a status, a code and a reason.
const refused = (promise, status, check = () => {}) =>
  assert.rejects(promise, error => {
    assert.equal(error.status, status, `${error.status} ${JSON.stringify(error.reason)}`);
    check(error);
    return true;
  });

await refused(kisi.get('locks'), 401);
await refused(kisi.signIn({ email: EMAIL, password: 'not the one' }), 401);

const login = await kisi.signIn({ email: EMAIL, password: PASSWORD });
assert.ok(login.id > 0 && login.secret.length > 30);

// Nothing yet: */0.
assert.deepEqual(await kisi.get('locks', { placeId }), { pagination: { offset: 0, limit: 0, count: 0 }, data: [] });

// Create, with camel case on this side only.
const front = await kisi.post('locks', { lock: { name: 'Front', description: 'My new door', placeId } });
assert.equal(front.resourceType, 'Lock');
assert.equal(front.placeId, placeId);
assert.equal(front.place.id, placeId);
assert.equal(front.onScheduledUnlock, false);
assert.equal(front.online, null);
assert.ok(!Number.isNaN(Date.parse(front.createdAt)));
const back = await kisi.post('locks', { lock: { name: 'Back', placeId } });

// One item asked of two: 0-0/2.
const page = await kisi.get('locks', { placeId, limit: 1, offset: 0 });
assert.deepEqual(page.pagination, { offset: 0, limit: 1, count: 2 });
assert.equal(page.data.length, 1);
const names = (await kisi.get('locks', { placeId, sort: '-name' })).data.map(l => l.name);
assert.deepEqual(names, ['Front', 'Back']);

// Favourites.
await kisi.post(`locks/${back.id}/favorite`);
const favorites = await kisi.get('locks', { placeId, favorite: '*', sort: 'favorite' });
assert.deepEqual(favorites.data.map(l => [l.id, l.favorite]), [[back.id, true], [front.id, false]]);
assert.equal((await kisi.get('locks', { favorite: 'true' })).data.length, 1);

// Read, change, and read again.
assert.equal(await kisi.put(`locks/${front.id}`, { lock: { description: 'Changed', timeRestrictionEnabled: true } }), '');
const changed = await kisi.get(`locks/${front.id}`);
assert.equal(changed.description, 'Changed');
assert.equal(changed.timeRestrictionTimeZone, 'Europe/Berlin');

// A group with a door, a person and a card.
const group = await kisi.post('groups', { group: { name: 'Staff', placeId } });
const groupLock = await kisi.post('group_locks', { groupLock: { groupId: group.id, lockId: front.id } });
assert.equal(groupLock.lock.name, 'Front');
assert.equal((await kisi.get('group_locks', { groupId: group.id })).pagination.count, 1);
const member = await kisi.post('members', { member: { name: 'Ann', email: 'ann@example.org', placeId } });
assert.ok(member.invitation.code);
await kisi.post('role_assignments', { roleAssignment: { userId: member.id, groupId: group.id, roleId: 'member' } });
const card = { memberId: member.id, format: 'H10301', facility: 12, card: 3456 };
await kisi.post('cards', { card });
await refused(kisi.post('cards', { card }), 422, error => assert.equal(error.code, 'cabbeb'));
assert.equal((await kisi.get(`groups/${group.id}`)).usersCount, 1);

// Schedules: their kind is inferred.
const office = await kisi.post('schedules', {
  schedule: {
    name: 'Office', consequence: 'unlock', scheduleable: { id: front.id, type: 'Lock' },
    monday: true, startsAtTime: '08:00', endsAtTime: '18:00'
  }
});
assert.equal(office.kind, 'recurring event');
const week = await kisi.get('calendar/summary', {
  around: '2026-03-02T00:00:00Z/2026-03-09T00:00:00Z', consequence: 'unlock', lockId: front.id
});
assert.equal(week.intervals.length, 1);

// Unlock: what the controller says.
await refused(kisi.post(`locks/${back.id}/unlock`), 503, error => assert.equal(error.code, 'ff420a'));
const board = await kisi.post('controllers', { controller: { name: 'Board', deviceId: '00112233aabbccdd', placeId } });
await kisi.post('controller_relay_connections', { controllerRelayConnection: { controllerId: board.id, channel: 1, lockId: front.id } });
assert.deepEqual(await kisi.post(`locks/${front.id}/unlock`), { message: 'Unlocked!' });
await refused(
  kisi.post(`locks/${front.id}/unlock`, { lock: { proximityProof: 'DENY' } }), 403,
  error => assert.equal(error.code, '34ffaa')
);
await kisi.post(`locks/${front.id}/lock_down`);
assert.equal((await kisi.get(`locks/${front.id}`)).lockedDown, true);
await kisi.post(`locks/${front.id}/cancel_lockdown`);

// What is wrong is told by field; what is not there, is not.
await refused(kisi.post('locks', { lock: { name: ' ', placeId } }), 422, error =>
  assert.deepEqual(error.reason, { name: ["can't be blank"] }));
await refused(kisi.get('locks/999999'), 404);

assert.ok((await kisi.get('events', { placeId, type: 'lock.create' })).pagination.count === 2);

await kisi.delete(`locks/${back.id}`);
await refused(kisi.get(`locks/${back.id}`), 404);

await kisi.signOut();
await refused(kisi.get('locks'), 401);
console.log('ok');
