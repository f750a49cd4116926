// A fault as a part of a load: in its middle, because somebody asked for it, or because the
// profile says so. [any thread]
#pragma once

#include "loadtest/fault.hpp"
#include "loadtest/lab/faults/fault_kind.hpp"
#include "loadtest/lab/faults/in_force.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/profile.hpp"

namespace lab::cli {

// In the middle third of the measured time. All arguments must outlive what it answers.
load::Fault fault_in_the_middle(const Places &places, const load::Profile &profile,
                                const FaultKind &kind, FaultPlace &place);

// The kind of a profile's own trouble; null when it has none. Throws SetUpFailed when no fault
// is called that, or it is none for the database in use.
const FaultKind *trouble_of(const Places &places, const load::Profile &profile);

// When and how long as the profile says. All arguments must outlive what it answers.
load::Fault fault_of_profile(const Places &places, const load::Profile &profile,
                             const FaultKind &kind, FaultPlace &place);

// Where no amount is said.
int usual_amount(const FaultKind &kind);

} // namespace lab::cli
