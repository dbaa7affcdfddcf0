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
  it.each(['why', '/ask', '/ask  ', '/asking why', 'please /ask why'])('is a message: %j', (text) => {
    expect(readTyped(text)).toEqual({ kind: 'message' })
  })
})
