import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * The queue `Later` in this process, for serverless-offline, which has no queues. Each message runs the function behind
 * `invocationUrl` once, when its delay is over. Resolves to the queue's URL, which SDK clients of SQS take as endpoint.
 */
export async function startOfflineQueue(invocationUrl: string): Promise<string> {
  const server = createServer(async (request, response) => {
    const { MessageBody: body = '', DelaySeconds = 0 } = JSON.parse(await textOf(request)) as Partial<Message>
    const messageId = randomUUID()
    const event = { Records: [{ messageId, eventSource: 'aws:sqs', body, attributes: {} }] }
    setTimeout(() => void invoke(invocationUrl, event), DelaySeconds * 1_000)
    const MD5OfMessageBody = createHash('md5').update(body).digest('hex') // clients compare it
    response.writeHead(200, { 'Content-Type': 'application/x-amz-json-1.0' })
    response.end(JSON.stringify({ MessageId: messageId, MD5OfMessageBody }))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  server.unref() // it ends with serverless-offline
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/000000000000/later`
}

/** What SendMessage of SQS has and is used. */
interface Message {
  readonly MessageBody: string
  readonly DelaySeconds: number
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}

/** Awaits the run: serverless-offline ends when an asynchronous one fails. It prints the failure itself. */
async function invoke(url: string, event: object): Promise<void> {
  await fetch(url, { method: 'POST', body: JSON.stringify(event) }).catch(() => undefined)
}
