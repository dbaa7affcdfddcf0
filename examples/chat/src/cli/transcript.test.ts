import { describe, expect, it } from 'vitest'
import { createTranscript, printable } from './transcript.ts'

const posted = {
  type: 'posted',
  message: { id: 'a', author: 'ann', text: 'hi', at: Date.UTC(2026, 0, 5, 12) },
} as const

describe('a transcript', () => {
  it('prints a message once when a retry posted it twice', () => {
    const transcript = createTranscript()
    expect(transcript.add(posted)).toMatch(/^\d\d:\d\d ann: hi$/)
    expect(transcript.add(posted)).toBeNull()
  })

  it('ignores a change by another author', () => {
    const transcript = createTranscript()
    transcript.add(posted)
    expect(transcript.add({ type: 'edited', id: 'a', author: 'bob', text: 'forged' })).toBeNull()
    expect(transcript.add({ type: 'edited', id: 'a', author: 'ann', text: 'better' })).toContain('better')
  })

  it('prints an answer of the bot once it is posted', () => {
    const transcript = createTranscript()
    expect(transcript.add({ type: 'asked', id: 'x', asker: 'ann', prompt: 'why?', at: 0 })).toBeNull()
    const message = { id: 'x', author: 'bot', text: 'because', at: 0 }
    expect(transcript.add({ type: 'posted', message })).toContain('bot: because')
  })

  it('replaces control characters of messages', () => {
    expect(printable('\u{1b}[2Jgone')).toBe('\u{fffd}[2Jgone')
  })
})
