import {
  InvokeCommand,
  LambdaClient,
  RequestTooLargeException,
  ResourceNotFoundException,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda'
import { defined } from '@trunkline/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLocalClock, type LocalClock } from '../clock.ts'
import { createFunctions, type LocalFunctions } from './functions.ts'
import type { FunctionOptions } from './invocations/lambda-function.ts'

let clock: LocalClock
let functions: LocalFunctions
let client: LambdaClient
const events: unknown[] = []
beforeEach(async () => {
  events.length = 0
  clock = createLocalClock()
  functions = await createFunctions({ clock })
  client = new LambdaClient({
    endpoint: functions.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
  add('echo', async (event) => {
    events.push(event)
    return { event }
  })
})
afterEach(async () => {
  client.destroy()
  await functions.close()
  clock.close()
})

function add(name: string, handler: (event: unknown) => Promise<unknown>, more: Partial<FunctionOptions> = {}): void {
  functions.register({ name, timeoutMs: 3_000, run: { kind: 'in-process', handler }, ...more })
}
function invoke(FunctionName: string, Payload?: string, InvocationType?: 'Event' | 'RequestResponse' | 'DryRun') {
  return client.send(
    new InvokeCommand({
      FunctionName,
      ...defined({ Payload, InvocationType }),
    }),
  )
}
const text = (answer: Awaited<ReturnType<typeof invoke>>) => answer.Payload?.transformToString()

test('RequestResponse gives 200 and the result', async () => {
  const answer = await invoke('echo', '{"n":1}')
  expect(answer).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' })
  expect(answer.FunctionError).toBeUndefined()
  expect(text(answer)).toBe('{"event":{"n":1}}')
})

test('an ARN, a partial ARN and a qualifier name the function too', async () => {
  for (const name of ['arn:aws:lambda:us-east-1:000000000000:function:echo', 'echo:$LATEST'])
    expect(await invoke(name, '{}')).toMatchObject({ StatusCode: 200 })
})

test('a missing payload is an empty event', async () => {
  expect(text(await invoke('echo'))).toBe('{"event":{}}')
})

test('Event gives 202 at once and runs it afterwards', async () => {
  expect(await invoke('echo', '{"n":2}', 'Event')).toMatchObject({ StatusCode: 202 })
  await functions.idle()
  expect(events).toEqual([{ n: 2 }])
})

test('DryRun gives 204 and runs nothing', async () => {
  expect(await invoke('echo', '{}', 'DryRun')).toMatchObject({ StatusCode: 204 })
  await functions.idle()
  expect(events).toEqual([])
})

test('a function error gives 200 with X-Amz-Function-Error', async () => {
  add('broken', () => Promise.reject(new RangeError('no')))
  const answer = await invoke('broken', '{}')
  expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' })
  expect(JSON.parse(text(answer) ?? '')).toMatchObject({ errorType: 'RangeError', errorMessage: 'no' })
})

test('a timeout is a function error', async () => {
  add('slow', () => new Promise(() => {}), { timeoutMs: 20 })
  const answer = await invoke('slow', '{}')
  expect(answer.FunctionError).toBe('Unhandled')
  expect(text(answer)).toContain('Task timed out after 0.02 seconds')
})

test('an unknown function is ResourceNotFoundException', async () => {
  await expect(invoke('nobody', '{}')).rejects.toThrow(ResourceNotFoundException)
  await expect(invoke('nobody', '{}', 'Event')).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } })
})

test('a payload over 1 MB is too large for Event, one over 6 MB for anything', async () => {
  const megabytes = (n: number) => JSON.stringify('x'.repeat(n * 1_048_576))
  await expect(invoke('echo', megabytes(1), 'Event')).rejects.toThrow(RequestTooLargeException)
  expect(await invoke('echo', megabytes(1))).toMatchObject({ StatusCode: 200 })
  await expect(invoke('echo', megabytes(6))).rejects.toMatchObject({ $metadata: { httpStatusCode: 413 } })
  expect(events).toHaveLength(1)
})

test('a payload that is not JSON is InvalidRequestContentException', async () => {
  await expect(invoke('echo', '{')).rejects.toMatchObject({ name: 'InvalidRequestContentException' })
})

test('a throttled call is TooManyRequestsException; a throttled event is accepted', async () => {
  functions.hooks.invoke = () => 'throttle'
  await expect(invoke('echo', '{}')).rejects.toThrow(TooManyRequestsException)
  expect(await invoke('echo', '{}', 'Event')).toMatchObject({ StatusCode: 202 })
})

test('other operations are not served', async () => {
  expect((await fetch(`${functions.endpoint}/2015-03-31/functions`)).status).toBe(404)
})
