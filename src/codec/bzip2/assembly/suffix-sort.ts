/**
 * Sorts all suffixes of a text in linear time, by induced sorting: G. Nong, S. Zhang, W. H. Chan, "Linear Suffix Array
 * Construction by Almost Pure Induced-Sorting", Data Compression Conference 2009. The end counts as less than any
 * character.
 *
 * Words of the paper: a suffix is of type S when it is less than the one behind it, else of type L; the last is L. A
 * place is LMS when its suffix is S and the one before is L. Suffixes with the same first character form a bucket, L
 * before S. Once the LMS suffixes are in order, one pass from the left puts every L suffix in place, each behind the
 * suffix that follows it in the text; one pass from the right does the same for S. The LMS suffixes themselves are put
 * in order by the same two passes over the pieces between LMS places, then by giving equal pieces equal names and
 * sorting the text of these names, at most half as long.
 *
 * An entry of the suffix array is a place, or its complement (below 0) while the suffix before it is of the other type
 * than the pass is about; 0 also stands for an empty slot, which does no harm since nothing comes before place 0.
 *
 * `T` is u8 for the text and u32 for names. `places` and `counts` are what a depth needs of SORT_SPACE.
 */

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function characterAt<T>(text: u32, place: i32): u32 {
  return <u32>load<T>(text + (<u32>place << alignof<T>()))
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function entryAt(suffixes: u32, slot: u32): i32 {
  return load<i32>(suffixes + (slot << 2))
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function setEntry(suffixes: u32, slot: u32, entry: i32): void {
  store<i32>(suffixes + (slot << 2), entry)
}

/**
 * @param length at least 1
 * @param alphabet characters are less than this
 * @param suffixes room for `length` u32: the places of the suffixes, in order
 * @param space free memory for this depth and all below
 */
export function sortSuffixes<T>(text: u32, length: u32, alphabet: u32, suffixes: u32, space: u32): void {
  const counts = space
  const ends = counts + (alphabet << 2)
  const places = ends + (alphabet << 2)
  countCharacters<T>(text, length, alphabet, counts)
  const placeCount = findPlaces<T>(text, length, places)
  memory.fill(suffixes, 0, length << 2)
  if (placeCount > 1) {
    sortPieces<T>(text, length, alphabet, suffixes, counts, places, placeCount)
    const names = namePieces<T>(text, length, suffixes, places, placeCount)
    sortPlaces(length, suffixes, places, placeCount, names)
  } else if (placeCount == 1) {
    setEntry(suffixes, 0, load<i32>(places))
  }
  // From the front of the array to the ends of their buckets, the greatest first.
  bucketEnds(counts, alphabet, ends)
  for (let rank = placeCount; rank > 0; rank--) {
    const place = entryAt(suffixes, rank - 1)
    setEntry(suffixes, rank - 1, 0)
    setEntry(suffixes, takeFromEnd(ends, characterAt<T>(text, place)), place)
  }
  bucketStarts(counts, alphabet, ends)
  induceFromLeft<T>(text, length, suffixes, ends)
  bucketEnds(counts, alphabet, ends)
  induceFromRight<T>(text, length, suffixes, ends)
}

function countCharacters<T>(text: u32, length: u32, alphabet: u32, counts: u32): void {
  memory.fill(counts, 0, alphabet << 2)
  for (let place: u32 = 0; place < length; place++) {
    const count = counts + (characterAt<T>(text, place) << 2)
    store<u32>(count, load<u32>(count) + 1)
  }
}

function bucketStarts(counts: u32, alphabet: u32, starts: u32): void {
  let slot: u32 = 0
  for (let at: u32 = 0; at < alphabet << 2; at += 4) {
    store<u32>(starts + at, slot)
    slot += load<u32>(counts + at)
  }
}

function bucketEnds(counts: u32, alphabet: u32, ends: u32): void {
  let slot: u32 = 0
  for (let at: u32 = 0; at < alphabet << 2; at += 4) {
    slot += load<u32>(counts + at)
    store<u32>(ends + at, slot)
  }
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function takeFromStart(starts: u32, character: u32): u32 {
  const at = starts + (character << 2)
  const slot = load<u32>(at)
  store<u32>(at, slot + 1)
  return slot
}

// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function takeFromEnd(ends: u32, character: u32): u32 {
  const at = ends + (character << 2)
  const slot = load<u32>(at) - 1
  store<u32>(at, slot)
  return slot
}

/** Writes the LMS places in descending order. @returns how many there are */
function findPlaces<T>(text: u32, length: u32, places: u32): u32 {
  let at = places
  let behind = characterAt<T>(text, length - 1)
  let behindIsS = false
  for (let place = <i32>length - 2; place >= 0; place--) {
    const character = characterAt<T>(text, place)
    if (character < behind) {
      behindIsS = true
    } else if (character > behind) {
      if (behindIsS) {
        store<i32>(at, place + 1)
        at += 4
      }
      behindIsS = false
    }
    behind = character
  }
  return (at - places) >>> 2
}

/** Leaves the LMS places at the front of the array, in the order of the pieces that begin there; the rest is 0. */
function sortPieces<T>(
  text: u32,
  length: u32,
  alphabet: u32,
  suffixes: u32,
  counts: u32,
  places: u32,
  placeCount: u32,
): void {
  const ends = counts + (alphabet << 2)
  bucketEnds(counts, alphabet, ends)
  for (let index: u32 = 0; index < placeCount; index++) {
    const place = entryAt(places, index)
    setEntry(suffixes, takeFromEnd(ends, characterAt<T>(text, place)), place)
  }
  // As induceFromLeft, but what was used is dropped: only L suffixes behind an S matter for the pass from the right.
  bucketStarts(counts, alphabet, ends)
  pushL<T>(text, <i32>length - 1, suffixes, ends)
  for (let slot: u32 = 0; slot < length; slot++) {
    const entry = entryAt(suffixes, slot)
    if (entry > 0) {
      setEntry(suffixes, slot, 0)
      pushL<T>(text, entry - 1, suffixes, ends)
    } else if (entry < 0) {
      setEntry(suffixes, slot, ~entry)
    }
  }
  bucketEnds(counts, alphabet, ends)
  for (let slot = <i32>length - 1; slot >= 0; slot--) {
    const entry = entryAt(suffixes, slot)
    if (entry <= 0) continue
    setEntry(suffixes, slot, 0)
    // Place 0 has nothing before it, so it isn't LMS.
    if (entry > 1) pushS<T>(text, entry - 1, suffixes, ends)
  }
  // What is marked now is S behind an L.
  let found: u32 = 0
  for (let slot: u32 = 0; slot < length; slot++) {
    const entry = entryAt(suffixes, slot)
    if (entry == 0) continue
    setEntry(suffixes, slot, 0)
    setEntry(suffixes, found++, ~entry)
  }
}

/** Puts an L suffix into its bucket, marked when the one before is S. */
// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function pushL<T>(text: u32, place: i32, suffixes: u32, starts: u32): void {
  const character = characterAt<T>(text, place)
  const marked = place > 0 && characterAt<T>(text, place - 1) < character
  setEntry(suffixes, takeFromStart(starts, character), marked ? ~place : place)
}

/** Puts an S suffix into its bucket, marked when the one before is L, or there's none. */
// @ts-ignore: TypeScript has no decorators of functions, AssemblyScript has
@inline
function pushS<T>(text: u32, place: i32, suffixes: u32, ends: u32): void {
  const character = characterAt<T>(text, place)
  const marked = place == 0 || characterAt<T>(text, place - 1) > character
  setEntry(suffixes, takeFromEnd(ends, character), marked ? ~place : place)
}

/** The last pass but one: afterwards unmarked are the L suffixes behind an S. */
function induceFromLeft<T>(text: u32, length: u32, suffixes: u32, starts: u32): void {
  pushL<T>(text, <i32>length - 1, suffixes, starts)
  for (let slot: u32 = 0; slot < length; slot++) {
    const entry = entryAt(suffixes, slot)
    setEntry(suffixes, slot, ~entry)
    if (entry > 0) pushL<T>(text, entry - 1, suffixes, starts)
  }
}

/** The last pass: afterwards no entry is marked. */
function induceFromRight<T>(text: u32, length: u32, suffixes: u32, ends: u32): void {
  for (let slot = <i32>length - 1; slot >= 0; slot--) {
    const entry = entryAt(suffixes, slot)
    if (entry > 0) pushS<T>(text, entry - 1, suffixes, ends)
    else setEntry(suffixes, slot, ~entry)
  }
}

/**
 * Gives each piece a name, 1 for the least, equal ones to equal pieces.
 *
 * Names and lengths are kept behind the sorted places, at half of each place: no two LMS places are neighbours.
 *
 * @returns the highest name
 */
function namePieces<T>(text: u32, length: u32, suffixes: u32, places: u32, placeCount: u32): u32 {
  const byPlace = suffixes + (placeCount << 2)
  // A piece goes up to the next LMS place, which belongs to it; the last one to the end, which no other does.
  let next = <i32>length
  for (let index: u32 = 0; index < placeCount; index++) {
    const place = entryAt(places, index)
    setEntry(byPlace, <u32>place >>> 1, next - place + 1)
    next = place
  }
  let name: u32 = 0
  let before: i32 = 0
  let beforeLength: i32 = -1
  for (let rank: u32 = 0; rank < placeCount; rank++) {
    const place = entryAt(suffixes, rank)
    const pieceLength = entryAt(byPlace, <u32>place >>> 1)
    if (pieceLength != beforeLength || !samePiece<T>(text, length, before, place, pieceLength)) name++
    setEntry(byPlace, <u32>place >>> 1, name)
    before = place
    beforeLength = pieceLength
  }
  return name
}

function samePiece<T>(text: u32, length: u32, first: i32, second: i32, pieceLength: i32): bool {
  if (max(first, second) + pieceLength > <i32>length) return false
  for (let index = 0; index < pieceLength; index++) {
    if (characterAt<T>(text, first + index) != characterAt<T>(text, second + index)) return false
  }
  return true
}

/** Leaves the LMS places at the front of the array, in the order of their suffixes; the rest is 0. */
function sortPlaces(length: u32, suffixes: u32, places: u32, placeCount: u32, names: u32): void {
  if (names < placeCount) {
    // The names in the order of the text, from 0, at the end of the array.
    let slot = length
    const reduced = suffixes + ((length - placeCount) << 2)
    for (let from = length; from > placeCount; from--) {
      const name = entryAt(suffixes, from - 1)
      if (name > 0) setEntry(suffixes, --slot, name - 1)
    }
    sortSuffixes<u32>(reduced, placeCount, names, suffixes, places + (placeCount << 2))
    for (let rank: u32 = 0; rank < placeCount; rank++) {
      const index = placeCount - 1 - entryAt(suffixes, rank)
      setEntry(suffixes, rank, entryAt(places, index))
    }
  }
  memory.fill(suffixes + (placeCount << 2), 0, (length - placeCount) << 2)
}
