/** A message for the room, or a question to the bot. */
export type Typed = { readonly kind: 'message' } | { readonly kind: 'question'; readonly prompt: string }

/** Parses `/ask why is that`. Any other text is a message. */
export function readTyped(text: string): Typed {
  const [, prompt] = /^\/ask\s+(\S[\s\S]*)$/i.exec(text.trim()) ?? []
  return prompt === undefined ? { kind: 'message' } : { kind: 'question', prompt }
}
