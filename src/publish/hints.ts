/** What to do about an output's name that can't be had. An edition among several has no name of its own to choose. */
export const ANOTHER_NAME =
  'choose another name with --output; for several editions, another directory with --output-dir'
