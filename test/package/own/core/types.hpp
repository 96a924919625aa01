#pragma once

/// A header of the program that is called like one of Troupe's.
struct OfTheProgram {};
