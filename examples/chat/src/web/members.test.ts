import { expect, it } from 'vitest'
import { findNamed, inOrder, type MembersEvent, nobodyHere, reduceMembers } from './members.ts'

const data = (name: string, away = false) => ({ name, away })
const after = (...events: readonly MembersEvent[]) =>
  inOrder(events.reduce(reduceMembers, nobodyHere)).map(({ name, away }) => name + (away ? ' (away)' : ''))
const here: MembersEvent = {
  type: 'here',
  members: [
    { member: 'b', data: data('bob') },
    { member: 'a', data: data('ann') },
  ],
}

it('begins with who is here, by name', () => {
  expect(after(here)).toEqual(['ann', 'bob'])
})
it('adds who joins and drops who leaves', () => {
  expect(after(here, { type: 'join', member: 'c', data: data('cy') }, { type: 'leave', member: 'a' })).toEqual([
    'bob',
    'cy',
  ])
})
it('puts whoever is away behind the others', () => {
  expect(after(here, { type: 'update', member: 'a', data: data('ann', true) })).toEqual(['bob', 'ann (away)'])
})
it('forgets what it knew when a state comes', () => {
  expect(after({ type: 'join', member: 'x', data: data('old') }, here)).toEqual(['ann', 'bob'])
})
it('finds in an event what it says of a person', () => {
  expect(findNamed(here, 'bob')).toEqual(data('bob'))
  expect(findNamed({ type: 'update', member: 'b', data: data('bob', true) }, 'bob')).toEqual(data('bob', true))
  expect(findNamed({ type: 'update', member: 'b', data: data('bob') }, 'ann')).toBeUndefined()
  expect(findNamed({ type: 'leave', member: 'b' }, 'bob')).toBeUndefined()
})
