import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Stage, say, setStage, textsOn } from './stage.ts'

const patience = { timeout: 60_000 }
const lifetimeSeconds = 20 // the client renews after 14 to 18 s

let stage: Stage
beforeAll(async () => {
  stage = await setStage({ lifetimeSeconds })
})
afterEach(() => stage.closePages())
afterAll(() => stage[Symbol.asyncDispose]())

const notSent = (text: string) => `.message[data-state=failed]:has-text("${text}")`

describe('a signed-in person', () => {
  it('stays connected while tokens end and new ones are fetched, and nothing on the page shows it', async () => {
    const ann = await stage.open({ room: 'renewed', name: 'ann' })
    const seen = await ann.evaluateHandle(() => {
      const states: (string | undefined)[] = []
      const badge = document.querySelector<HTMLElement>('.badge')
      new MutationObserver(() => states.push(badge?.dataset['status'])).observe(document.body, {
        subtree: true,
        attributes: true,
        attributeFilter: ['data-status'],
      })
      return states
    })
    await expect.poll(() => stage.issuer.issuedTo('ann'), patience).toBeGreaterThanOrEqual(3)
    await say(ann, 'still here')
    await expect.poll(() => textsOn(ann), patience).toEqual(['still here'])
    expect(await seen.jsonValue()).toEqual([])
  }, 90_000)

  it('is refused with the reason when the name is not allowed, and reads without one', async () => {
    const reader = await stage.open({ room: 'read', name: null })
    await reader.getByRole('button', { name: 'Choose a name to write' }).waitFor()
    const { status } = await fetch(`${stage.issuer.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({ username: 'bot' }),
    })
    expect(status).toBe(400)
    expect((await fetch(`${stage.issuer.url}/rights`, { method: 'POST', body: '{}' })).status).toBe(400)
  })
})

describe('a moderator', () => {
  it('mutes and unmutes somebody in one room by commands, which are not posted', async () => {
    const [mod, ann] = [
      await stage.open({ room: 'muted', name: 'mod' }),
      await stage.open({ room: 'muted', name: 'ann' }),
    ]
    await say(mod, '/mute ann')
    await mod.getByText('ann is muted here for 10 minutes.').waitFor()
    await say(ann, 'may I')
    await ann.getByText('Not sent: a moderator has muted you in #muted for 10 more minutes').waitFor()
    await say(mod, '/unmute ann')
    await mod.getByText('ann may write here again.').waitFor()
    await ann.locator(notSent('may I')).getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => textsOn(mod), patience).toEqual(['may I'])
  })

  it('is the only one whose commands work', async () => {
    const [ann, bob] = [
      await stage.open({ room: 'plain', name: 'ann' }),
      await stage.open({ room: 'plain', name: 'bob' }),
    ]
    await say(ann, '/mute bob')
    await ann.getByText('Not changed: only a moderator may do that.').waitFor()
    await say(ann, '/remove bob')
    await ann.getByText('Not changed: only a moderator may do that.').waitFor()
    await say(bob, 'hello')
    await expect.poll(() => textsOn(ann), patience).toEqual(['hello'])
  })

  it('takes a room from somebody: it ends there with the next token, goes on elsewhere, and comes back', async () => {
    const [mod, ann] = [
      await stage.open({ room: 'taken', name: 'mod' }),
      await stage.open({ room: 'taken', name: 'ann' }),
    ]
    await say(ann, 'before')
    await expect.poll(() => textsOn(mod), patience).toEqual(['before'])
    await say(mod, '/remove ann')
    await mod.getByText('ann leaves #taken with the next token.').waitFor()
    await ann.getByText('This room is not followed any more: you are not a member of #taken any more').waitFor(patience)
    await mod.getByText('1 here').first().waitFor({ state: 'attached' })
    await say(mod, 'she does not see this')
    // Until the token of before ends, a call still has its claims.
    const refused = ann.getByText('Not sent: you are not a member of #taken any more').first()
    const refusedOnce = async () => {
      await say(ann, 'nor do you this')
      await ann.waitForTimeout(1_000)
      return refused.isVisible()
    }
    await expect.poll(refusedOnce, patience).toBe(true)
    expect(await textsOn(ann)).not.toContain('she does not see this')
    await ann.evaluate(() => {
      location.hash = '#elsewhere'
    })
    await say(ann, 'I am still here')
    await expect.poll(() => textsOn(ann), patience).toEqual(['I am still here'])

    await say(mod, '/restore ann')
    await mod.getByText('ann may come back to #taken with the next token.').waitFor()
    const issued = stage.issuer.issuedTo('ann')
    await expect.poll(() => stage.issuer.issuedTo('ann'), patience).toBeGreaterThan(issued)
    await ann.evaluate(() => {
      location.hash = '#taken'
    })
    await expect.poll(() => textsOn(ann), patience).toContain('she does not see this')
  }, 120_000)
})
