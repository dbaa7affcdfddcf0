import { readFileSync } from 'node:fs'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/unstable-core-do-not-import'
import { documentsUrl, lineErrors } from '@trunkline/protocol'
import { describe, expect, test } from 'vitest'
import { runTrunkline } from '../testing/command-line.suite.ts'
import { codeDocs, commandDocs, connectionDocs, lineDocs } from './definition/docs.ts'
import { commands } from './registry.ts'

/** Whether the document of an address has a heading with its anchor, as GitHub makes anchors. */
function exists(address: string): boolean {
  const [page = '', anchor] = address.split('#')
  expect(page.startsWith(`${documentsUrl}/`)).toBe(true)
  const text = readFileSync(new URL(`../../../../docs${page.slice(documentsUrl.length)}`, import.meta.url), 'utf8')
  const headings = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm)]
  const anchors = headings.map(([, heading = '']) => heading.toLowerCase().replaceAll(/[^\w -]/g, ''))
  return anchor === undefined || anchors.some((each) => each.replaceAll(' ', '-') === anchor)
}

describe('the address in an error of the command line', () => {
  test('exists for each command, for each code, and for what has no line or connection', () => {
    const codes = [...Object.keys(lineErrors), ...Object.keys(TRPC_ERROR_CODES_BY_KEY)].map(codeDocs)
    const names = [undefined, ...commands.map(({ name }) => name)].map(commandDocs)
    for (const address of [...codes, ...names, lineDocs, connectionDocs])
      expect([address, exists(address)]).toEqual([address, true])
  })

  test.each([
    [['kick', '--principal', 'ann'], commandDocs('kick')],
    [['connections', '--max', '0'], commandDocs('connections list')],
    [['topics', 'read'], commandDocs('topics read')],
    [['kik'], commandDocs(undefined)],
    [['topics', 'list', '--service', 'shop'], lineDocs],
    [['call', 'room.list', '--url', 'ws://127.0.0.1:1/dev'], connectionDocs],
  ])('is that of what failed in %j', async (args, address) => {
    const { err } = await runTrunkline(args)
    expect(err).toMatch(/\nSee \S+\n$/)
    expect(err).toContain(`\nSee ${address}\n`)
    const inJson = await runTrunkline([...args, '--json'])
    expect(JSON.parse(inJson.err)).toMatchObject({ error: { docs: address } })
  })
})
