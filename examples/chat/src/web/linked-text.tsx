const address = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]'])/

/** A text whose web addresses can be followed. Only http and https: anything else stays text. */
export function LinkedText({ text }: { text: string }) {
  // `split` by a pattern with one group gives text and addresses by turns, so the index is a stable key.
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
