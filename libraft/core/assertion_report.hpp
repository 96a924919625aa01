#pragma once

namespace troupe {

/// Has `print` called with the text of a broken invariant in place of a print to stderr, which
/// waits for as long as nobody reads stderr. `print` should write what the program holds back, and
/// must return: the process aborts behind it.
void report_assertions_by(void (*print)(const char* text));

}  // namespace troupe
