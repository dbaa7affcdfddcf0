import { type MessageQueue, md5, type QueuedMessage } from './message-queue.ts'

/** One SQS action on a queue. Throws an `SqsError`. */
export type SqsAction = (queue: MessageQueue, input: Readonly<Record<string, unknown>>) => object

/** An SQS error, named as SQS names it. */
export class SqsError extends Error {
  override readonly name = 'SqsError'
  readonly type: string
  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

const maxBodyBytes = 1_048_576 // 1 MB
const longestDelaySeconds = 900
const mostMessages = 10
const defaultVisibilitySeconds = 30
const longestVisibilitySeconds = 43_200

/** The implemented actions, by the name in `X-Amz-Target`. */
export const sqsActions: Readonly<Record<string, SqsAction>> = {
  SendMessage(queue, input) {
    const body = readText(input, 'MessageBody')
    if (Buffer.byteLength(body) > maxBodyBytes) throw invalid(`Message must be shorter than ${maxBodyBytes} bytes`)
    const MessageId = queue.send(
      body,
      readInteger(input, 'DelaySeconds', { least: 0, most: longestDelaySeconds, fallback: 0 }) * 1_000,
    )
    return { MessageId, MD5OfMessageBody: md5(body) }
  },
  ReceiveMessage(queue, input) {
    const limit = readInteger(input, 'MaxNumberOfMessages', { least: 1, most: mostMessages, fallback: 1 })
    const visibility = { least: 0, most: longestVisibilitySeconds, fallback: defaultVisibilitySeconds }
    const seconds = readInteger(input, 'VisibilityTimeout', visibility)
    const messages = queue.receive(limit, seconds * 1_000)
    return messages.length === 0 ? {} : { Messages: messages.map(toMessage) }
  },
  ChangeMessageVisibility(queue, input) {
    const seconds = readInteger(input, 'VisibilityTimeout', {
      least: 0,
      most: longestVisibilitySeconds,
      fallback: 0,
    })
    queue.hide(readText(input, 'ReceiptHandle'), seconds * 1_000)
    return {}
  },
  DeleteMessage(queue, input) {
    queue.delete(readText(input, 'ReceiptHandle'))
    return {}
  },
  GetQueueAttributes: (queue) => ({ Attributes: { ApproximateNumberOfMessages: String(queue.size()) } }),
}

function toMessage({ id, body, receipt, receives }: QueuedMessage): object {
  const Attributes = { ApproximateReceiveCount: String(receives) }
  return { MessageId: id, ReceiptHandle: receipt, Body: body, MD5OfBody: md5(body), Attributes }
}

function readText(input: Readonly<Record<string, unknown>>, name: string): string {
  const value = input[name]
  if (typeof value === 'string' && value !== '') return value
  throw new SqsError('MissingParameter', `The request must contain the parameter ${name}.`)
}

/** Reads an integer parameter between `least` and `most`. `fallback` is its default. */
function readInteger(
  input: Readonly<Record<string, unknown>>,
  name: string,
  { least, most, fallback }: { readonly least: number; readonly most: number; readonly fallback: number },
): number {
  const value = input[name] ?? fallback
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw invalid(`Value ${String(value)} for parameter ${name} must be >= ${least} and <= ${most}`)
}

function invalid(reason: string): SqsError {
  return new SqsError('InvalidParameterValue', `One or more parameters are invalid. Reason: ${reason}.`)
}
