/* Search shows a few words of each page it found and fetches the page for that. A page opened from
 * a folder may not fetch: there, results come without the words and without console errors. */
if (location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
