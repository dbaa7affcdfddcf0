import { describe, expect, it } from 'vitest'
import { readTyped } from './command.ts'

describe('the typed text', () => {
  it.each([
    ['/ask why is that', 'why is that'],
    ['  /ask   why\nis that ', 'why\nis that'],
    ['/ASK how', 'how'],
  ])('is a question: %j', (text, prompt) => {
    expect(readTyped(text)).toEqual({ kind: 'question', prompt })
  })
  it.each([
    ['/mute ann', { command: 'mute', name: 'ann' }],
    [' /Remove  Ann Lee ', { command: 'remove', name: 'Ann Lee' }],
  ])('is a command: %j', (text, command) => {
    expect(readTyped(text)).toEqual({ kind: 'command', ...command })
  })
  it.each(['/mute', '/mutes ann', 'please /mute ann', 'why', '/ask', '/ask  ', '/asking why', 'please /ask why'])(
    'is a message: %j',
    (text) => {
      expect(readTyped(text)).toEqual({ kind: 'message' })
    },
  )
})
