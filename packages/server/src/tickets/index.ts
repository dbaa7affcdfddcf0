/** Tickets that work once and for seconds, for `authorize`. Loads jose. */
export {}
