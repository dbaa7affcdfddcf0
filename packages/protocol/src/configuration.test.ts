import { describe, expect, test } from 'vitest'
import { checkNearNames, checkOptionNames, withDocs } from './configuration.ts'

const names = { key: true, event: true, retention: true, authorize: true, partitions: true } as const

describe('an option that does not exist', () => {
  test.each([
    ['retentin', 'retention'],
    ['retnetion', 'retention'],
    ['retension', 'retention'],
    ['Retention', 'retention'],
    ['athorise', 'authorize'],
    ['partition', 'partitions'],
    ['events', 'event'],
    ['ky', 'key'],
  ])('%s is refused with the nearest name', (given, near) => {
    expect(() => checkOptionNames('channel chat', { [given]: 1 }, names)).toThrow(
      new TypeError(
        withDocs(
          'options',
          `Expected the options of channel chat to be among key, event, retention, authorize, partitions, got "${given}". Did you mean ${near}?`,
        ),
      ),
    )
  })
  test.each(['history', 'x', '', 'kit', '__proto__'])('%j is near no name, and is to be removed', (given) => {
    const options = JSON.parse(`{${JSON.stringify(given)}:1}`)
    expect(() => checkOptionNames('channel chat', options, names)).toThrow(`got "${given}". Remove it. See https://`)
  })
  test('is refused although its value is undefined', () => {
    expect(() => checkOptionNames('createLine', { backnd: undefined }, { backend: true })).toThrow(
      'Did you mean backend?',
    )
  })
})

test.each([
  [undefined, 'undefined'],
  [null, 'null'],
  ['key', 'string'],
  [[], 'an array'],
])('options that are %j are no object', (given, got) => {
  expect(() => checkOptionNames('createLine', given, names)).toThrow(
    `Expected the options of createLine to be an object, got ${got}. Pass one.`,
  )
})

test('options with some of the names are accepted', () => {
  checkOptionNames('channel chat', { key: 1, retention: undefined }, names)
  checkOptionNames('channel chat', {}, names)
})

describe('an object that may have members of its own', () => {
  test('is refused for a name that is like an option which it lacks', () => {
    expect(() => checkNearNames('startLocalLine', { key: 1, athorize: 1 }, names)).toThrow(
      'among key, event, retention, authorize, partitions, got "athorize". Did you mean authorize?',
    )
  })
  test('is accepted with names that are like no option, or like one that it has', () => {
    checkNearNames('startLocalLine', { key: 1, numbers: 1, event: 1, events: 1 }, names)
  })
  test('is refused when it is no object', () => {
    expect(() => checkNearNames('startLocalLine', null, names)).toThrow('to be an object, got null. Pass one.')
  })
})
