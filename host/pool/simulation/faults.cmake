# Faults planted in a copy of pool.cpp or line.cpp, one program each: the simulation must
# find every one (simulation_test.cpp). A fault is a piece of the source and what stands in
# its place; configuring fails when the piece is not there exactly once, so that faults keep
# up with the code.

# fault_in(FILE NAME PIECE REPLACEMENT)
function(fault_in file name piece replacement)
  set(source ${PROJECT_SOURCE_DIR}/host/pool/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(READ ${source} text)
  string(FIND "${text}" "${piece}" first)
  string(FIND "${text}" "${piece}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "host/pool/simulation/faults.cmake: the piece of ${name} must be in ${file} exactly once")
  endif()
  string(REPLACE "${piece}" "${replacement}" text "${text}")
  file(CONFIGURE OUTPUT faults/${name}.cpp CONTENT "${text}" @ONLY)
  # The objects come first, so the library's own object of that file is not taken.
  add_executable(pool_fault_${name} ${CMAKE_CURRENT_BINARY_DIR}/faults/${name}.cpp main.cpp)
  target_compile_options(pool_fault_${name} PRIVATE -O1 -Wno-error -w)
  target_link_libraries(pool_fault_${name} PRIVATE pool_simulation_core CLI11::CLI11)
  set_target_properties(pool_fault_${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/pool_faults OUTPUT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY pool_faults pool_fault_${name})
endfunction()

# fault(NAME PIECE REPLACEMENT): in pool.cpp
function(fault name piece replacement)
  fault_in(pool.cpp ${name} "${piece}" "${replacement}")
endfunction()

fault(lost_wake_up
  [[  Time wake = line_.next_deadline();]]
  [[  Time wake = Time::max();]])

fault(double_hand_out
  [[  Slot &slot = slot_at(idle_.back());
  idle_.pop_back();]]
  [[  Slot &slot = slot_at(idle_.back());]])

fault(timeout_before_the_deadline
  [[line_.next_deadline() <= now)]]
  [[line_.next_deadline() <= now + Duration(1))]])

fault(only_the_first_times_out
  [[  while (line_.next_deadline()]]
  [[  if (line_.next_deadline()]])

fault(grant_to_an_expired_waiter
  [[  expire(now, out);
  if (shut_)]]
  [[  serve_waiters(now, out);
  expire(now, out);
  if (shut_)]])

fault(fifo_broken
  [[plan_.order == Order::lifo ? Line]]
  [[plan_.order == Order::lifo || line_.size() == 3 ? Line]])

fault(a_newcomer_barges
  [[    hand_out_idle(now, line_.front(), out);
    line_.leave(line_.front().request);]]
  [[    const Waiter last = *std::prev(line_.end());
    hand_out_idle(now, last, out);
    line_.leave(last.request);]])

fault(capacity_leaked_on_a_failed_connect
  [[  vacate(*slot);
  --connecting_;]]
  [[  vacate(*slot);]])

fault(waiter_not_woken_when_the_limit_rises
  [[    line_.plan_timeout(plan.wait_timeout);
  settle(now, out);]]
  [[    line_.plan_timeout(plan.wait_timeout);
  expire(now, out);
  retire_idle(now, out);
  window_.levels(now, levels());
  announce_wake(now, out);]])

fault(deadline_armed_again
  [[slot->asked, slot->deadline, slot->deadline,]]
  [[slot->asked, slot->deadline, now + plan_.wait_timeout,]])

fault(dead_connection_handed_out
  [[    idle_.erase(std::find(idle_.begin(), idle_.end(), slot_of(connection)));
  }
  close(*slot, out);]]
  [[    return settle(now, out);
  }
  close(*slot, out);]])

fault(over_max_open_after_a_shrink
  [[  if (shut_ || surplus || now >= slot->retires)]]
  [[  if (shut_ || (surplus && line_.empty()) || now >= slot->retires)]])

fault(connects_over_max_open
  [[size() < max_open() &&]]
  [[size() <= max_open() &&]])

fault(counters_do_not_add_up
  [[    window_.ended(Outcome::cancelled, waiter->asked, now - waiter->asked, Duration::zero());]]
  [[    (void)waiter;]])

fault(waiter_lost_on_a_swap
  [[    highest_.clear();]]
  [[    highest_.clear();
  if (fresh && line_.size() > 2)
    line_.leave(line_.front().request);]])

fault(above_max_in_use
  [[!line_.empty() && !idle_.empty() && in_use() < plan_.max_in_use)]]
  [[!line_.empty() && !idle_.empty())]])

fault(a_dead_server_is_stormed
  [[  connects_allowed_ = 1;
  pause_ =]]
  [[  pause_ =]])

fault(a_rush_after_a_break
  [[  close(*slot, out);
  connects_allowed_ = 1;
  settle(now, out);]]
  [[  close(*slot, out);
  settle(now, out);]])

fault(no_back_off
  [[      now + pause_ + Duration(]]
  [[      now + pause_ / 2 + Duration(]])

fault(connects_for_nobody
  [[  while (connecting_ < wanted && connecting_ < at_once]]
  [[  while (0 < wanted && connecting_ < at_once]])

fault_in(line.cpp a_verdict_is_extended
  [[waiter.has_verdict ? std::min(waiter.deadline, planned) : planned]]
  [[planned]])

fault(a_high_is_never_forgotten
  [[    highest_.back().until = now;]]
  [[]])

fault(the_line_has_no_end
  [[line_.size() + 1 > free_room(now) + plan_.max_waiting]]
  [[line_.size() > free_room(now) + plan_.max_waiting]])

fault(the_dead_lose_their_turn
  [[line_.join(Line::End::front, waiter);]]
  [[line_.join(Line::End::back, waiter);]])

fault(an_early_tick_forgets_the_wake_up
  [[  wake_announced_ = Time::max(); // said]]
  [[  if (now >= wake_announced_) wake_announced_ = Time::max(); // said]])

fault(without_a_line_one_failure_ends_growth
  [[now >= connect_after_ ? std::min(room, 1U) : 0;]]
  [[now < Time{} ? 1 : 0;]])

fault(who_may_not_wait_gets_no_other
  [[  if (!idle_.empty() && in_use() < plan_.max_in_use) // as]]
  [[  if (false) // as]])

fault(old_connections_live_on
  [[    if (now >= slot_at(idle_[place]).retires)]]
  [[    if (now >= slot_at(idle_[place]).retires + seconds(2))]])

fault(waiters_of_a_dead_server_are_forgotten
  [[  if (trouble_ == Trouble::down && open_ == 0)
    refuse_all]]
  [[  if (false)
    refuse_all]])

# ---- at the gate ----

fault(the_gate_is_open_while_somebody_waits
  [[  if (shut_ || !line_.empty() || held]]
  [[  if (shut_ || held]])

fault(the_gate_lends_above_max_in_use
  [[std::min<std::size_t>(plan_.max_in_use - held, spare)]]
  [[spare]])

fault(the_gate_takes_back_what_is_surplus
  [[held > plan_.max_in_use || size() > max_open())]]
  [[held > plan_.max_in_use)]])

fault(lost_at_a_shut_gate
  [[  slot.came_late = true;
  return false;]]
  [[  return true;]])

fault(a_late_hold_ends_twice
  [[slot.came_late ? slot.account.last()]]
  [[false ? slot.account.last()]])

fault(the_gate_forgets_lifetimes
  [[  if (now >= slot.retires || window_]]
  [[  if (window_]])

fault(line_not_turned
  [[  if (new_order)
    line_.turn();]]
  [[]])

fault(turned_away_without_a_connect
  [[missed_one_ = waiter.own_deadline > now;]]
  [[missed_one_ = false;]])
