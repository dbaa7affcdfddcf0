/** How long a publisher means to take for delivering its own event, in milliseconds; after it the table's stream does. */
export const inlineMs = 2_000
