import type { Message } from '../server/schemas.ts'
import type { ShownMessage } from './timeline.ts'
import type { Answer } from './use-answers.ts'
import type { Unsent } from './use-outbox.ts'

/** A message in the list. `unsent` is set until the server has accepted it. */
export interface ListedMessage extends ShownMessage {
  readonly unsent?: Unsent
  /** Set while the bot writes the message, and if it did not complete it. */
  readonly answer?: Answer
}

export interface MessageActions {
  readonly onRetry: (unsent: Unsent) => void
  readonly onDiscard: (unsent: Unsent) => void
  readonly onEdit: (message: Message) => void
  readonly onRemove: (message: Message) => void
  readonly onStop: (answer: Answer) => void
  readonly onAskAgain: (answer: Answer) => void
}
