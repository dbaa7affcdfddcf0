import { expect, it } from 'vitest'
import { findNamed, inOrder, type MembersEvent, noMembers, reduceMembers } from './members.ts'

const data = (name: string, away = false) => ({ name, away })
const after = (...events: readonly MembersEvent[]) =>
  inOrder(events.reduce(reduceMembers, noMembers)).map(({ name, away }) => name + (away ? ' (away)' : ''))
const here: MembersEvent = {
  type: 'here',
  members: [
    { member: 'b', data: data('bob') },
    { member: 'a', data: data('ann') },
  ],
}

it('begins with the present members, by name', () => {
  expect(after(here)).toEqual(['ann', 'bob'])
})
it('adds members who join and removes members who leave', () => {
  expect(after(here, { type: 'join', member: 'c', data: data('cy') }, { type: 'leave', member: 'a' })).toEqual([
    'bob',
    'cy',
  ])
})
it('lists members who are away after the others', () => {
  expect(after(here, { type: 'update', member: 'a', data: data('ann', true) })).toEqual(['bob', 'ann (away)'])
})
it('replaces all members when a state arrives', () => {
  expect(after({ type: 'join', member: 'x', data: data('old') }, here)).toEqual(['ann', 'bob'])
})
it('finds the data of a person in an event', () => {
  expect(findNamed(here, 'bob')).toEqual(data('bob'))
  expect(findNamed({ type: 'update', member: 'b', data: data('bob', true) }, 'bob')).toEqual(data('bob', true))
  expect(findNamed({ type: 'update', member: 'b', data: data('bob') }, 'ann')).toBeUndefined()
  expect(findNamed({ type: 'leave', member: 'b' }, 'bob')).toBeUndefined()
})
