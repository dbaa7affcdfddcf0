import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findStage } from './find-stage.ts'
import { announceLine } from './running-lines.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-lines-'))
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(name, folder)
  vi.stubEnv('TRUNKLINE_TABLE', undefined)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

const announce = (port: number, pid = process.pid) =>
  announceLine({
    pid,
    port,
    environment: {
      TRUNKLINE_TABLE: `table-${port}`,
      TRUNKLINE_CALLBACK_URL: `http://localhost:${port}/dev`,
      AWS_REGION: 'local-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: 'http://localhost:1',
    },
  })

test('the only line that runs is found without options, with clients for its own endpoints', async () => {
  await announce(4411)
  const stage = await findStage()
  expect(stage).toMatchObject({
    name: 'http://localhost:4411/dev',
    kind: 'local',
    table: 'table-4411',
    webSocketUrl: 'ws://localhost:4411/dev',
    inspectorUrl: 'http://localhost:4411/_inspector',
    functions: { websocket: 'websocket' },
  })
  expect(stage.clientConfig('DYNAMODB')).toEqual({
    region: 'local-1',
    endpoint: 'http://localhost:1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
})

test('of several lines the one at port 4400 is found, or the one that --local names', async () => {
  const remove = await announce(4400)
  await announce(4401)
  await announce(4402)
  expect((await findStage()).table).toBe('table-4400')
  expect((await findStage({ local: '4401' })).table).toBe('table-4401')
  expect((await findStage({ local: 'ws://localhost:4402/dev' })).table).toBe('table-4402')
  await expect(findStage({ local: 'ws://example.com:4402/dev' })).rejects.toThrow(
    'Expected --local to be an address of this machine, got ws://example.com:4402/dev.',
  )
  await remove()
  await expect(findStage()).rejects.toThrow('got 2. Name one: --local 4401, --local 4402.')
  await expect(findStage({ local: '4400' })).rejects.toThrow('No trunkline dev runs at port 4400.')
})

test('the file of a line that was killed is removed, and no line is an error with the remedy', async () => {
  await announce(4400, 2 ** 30)
  await expect(findStage()).rejects.toThrow('no trunkline dev runs. Start one with trunkline dev')
  expect(await readdir(join(folder, (await readdir(folder))[0] ?? ''))).toEqual([])
})

test.skipIf(process.platform === 'win32')(
  'only this user can read the file, and a folder of others is not used',
  async () => {
    await announce(4400)
    const [name = ''] = await readdir(folder)
    const own = join(folder, name)
    expect((await stat(own)).mode & 0o777).toBe(0o700)
    expect((await stat(join(own, '4400.json'))).mode & 0o777).toBe(0o600)
    await chmod(own, 0o777)
    await writeFile(join(own, '4499.json'), JSON.stringify({ pid: process.pid, port: 4499, environment: {} }))
    await expect(findStage({ local: '4499' })).rejects.toThrow('no trunkline dev runs at port 4499')
  },
)
