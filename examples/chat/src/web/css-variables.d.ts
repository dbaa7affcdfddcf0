import 'react'

declare module 'react' {
  interface CSSProperties {
    /** The hue of an author's colour, in degrees. */
    '--hue'?: number
  }
}
