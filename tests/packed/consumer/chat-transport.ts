// The entry point for the AI SDK, whose own declarations do not compile with every strict option.
import { createChatTransport } from '@trunkline/client/ai'
import type { ChatTransport, UIMessage } from 'ai'

export const transport: ChatTransport<UIMessage> = createChatTransport({
  watch: { subscribe: (_: { readonly chat: string }) => ({ unsubscribe() {} }) },
  start: async ({ chatId }) => ({ chat: chatId }),
  resume: async ({ chatId }) => ({ chat: chatId }),
  stop: async ({ chat }) => chat,
})
