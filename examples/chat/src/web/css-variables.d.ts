import 'react'

declare module 'react' {
  interface CSSProperties {
    /** The colour of an author, in degrees. */
    '--hue'?: number
  }
}
