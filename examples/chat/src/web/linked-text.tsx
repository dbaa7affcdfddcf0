const address = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]'])/

/** A text with links for its http and https URLs. */
export function LinkedText({ text }: { text: string }) {
  // `split` by a pattern with one group returns text and URLs alternately, so the index is a stable key.
  return text.split(address).map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      <a key={index} href={part} target="_blank" rel="noreferrer noopener">
        {part}
      </a>
    ),
  )
}
